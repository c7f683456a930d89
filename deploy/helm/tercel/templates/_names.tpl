{{- define "tercel.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* The names that Falco's charts gave to Services and workloads. */}}
{{- define "tercel.forwarder" -}}{{ include "tercel.fullname" . }}-falcosidekick{{- end }}
{{- define "tercel.dashboard" -}}{{ include "tercel.fullname" . }}-falcosidekick-ui{{- end }}
{{- define "tercel.responder" -}}{{ include "tercel.fullname" . }}-falco-talon{{- end }}

{{- define "tercel.forwarderUrls" -}}
{{- $urls := list -}}
{{- range $i := until (int .Values.falcosidekick.replicas) -}}
{{- $name := include "tercel.forwarder" $ -}}
{{- $urls = append $urls (printf "%s://%s-%d.%s-each.%s.svc:2801" (include "tercel.scheme" $) $name $i $name $.Release.Namespace) -}}
{{- end -}}
{{- join "," $urls -}}
{{- end }}

{{/* The rules that the sensors read by themselves: an event on the dashboard shows its rule from there. */}}
{{- define "tercel.ruleFolders" -}}
{{- $folders := list -}}
{{- if .Values.shippedRules }}{{ $folders = append $folders "/usr/share/tercel/rules" }}{{ end -}}
{{- if .Values.customRules }}{{ $folders = append $folders "/etc/tercel/rules.d" }}{{ end -}}
{{- join "," $folders -}}
{{- end }}

{{/* (dict "root" $ "part" "sensor") gives the labels that select its pods. */}}
{{- define "tercel.partLabels" -}}
app.kubernetes.io/name: {{ .root.Values.nameOverride | default .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "tercel.metadata" -}}
namespace: {{ .root.Release.Namespace }}
labels:
  helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/part-of: tercel
  {{- include "tercel.partLabels" . | nindent 2 }}
{{- end }}

{{- define "tercel.image" -}}
{{- $image := .root.Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.prefix }}/{{ .part }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* "true" or "". */}}
{{- define "tercel.onOpenshift" -}}
{{- $enabled := toString .Values.openshift.enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (.Capabilities.APIVersions.Has "security.openshift.io/v1")) }}true{{ end }}
{{- end }}

{{- define "tercel.hasRoute" -}}
{{- $enabled := toString .Values.route.enabled -}}
{{- if and .Values.falcosidekick.enabled .Values.falcosidekick.webui.enabled (or (eq $enabled "true") (and (eq $enabled "auto") (include "tercel.onOpenshift" .))) }}true{{ end }}
{{- end }}

{{/* "true" or "": one PolicyReport output, or one of several, is switched on. */}}
{{- define "tercel.writesPolicyReports" -}}
{{- $reports := .Values.falcosidekick.config.policyreport | default list -}}
{{- range kindIs "map" $reports | ternary (list $reports) $reports }}{{ if .enabled }}true{{ break }}{{ end }}{{ end }}
{{- end }}

{{/* The parts that serve others, by the name of their Service: {"forwarder": "falco-falcosidekick" …}. */}}
{{- define "tercel.servers" -}}
{{- $servers := dict -}}
{{- if .Values.falcosidekick.enabled -}}
{{- $_ := set $servers "forwarder" (include "tercel.forwarder" .) -}}
{{- if .Values.falcosidekick.webui.enabled }}{{ $_ := set $servers "dashboard" (include "tercel.dashboard" .) }}{{ end -}}
{{- if .Values.responder.enabled }}{{ $_ := set $servers "responder" (include "tercel.responder" .) }}{{ end -}}
{{- end -}}
{{- toJson $servers -}}
{{- end }}

{{- define "tercel.tokenSecret" -}}
{{- .Values.token.existingSecret | default (printf "%s-token" (include "tercel.fullname" .)) }}
{{- end }}

{{/* Passes restricted-v2 and Pod Security "restricted" under whatever user the namespace gives. */}}
{{- define "tercel.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end }}
{{- define "tercel.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* What users may add to any pod: (dict "root" $ "values" .Values.falcosidekick). */}}
{{- define "tercel.scheduling" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A volume claim, or an empty directory where nothing is to persist. */}}
{{- define "tercel.claim" -}}
- metadata: { name: state }
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources: { requests: { storage: {{ .size }} } }
{{- end }}
