{{- define "tercel.scheme" -}}{{ .Values.tls.enabled | ternary "https" "http" }}{{- end }}

{{/* Who makes the certificates: "" without TLS, else generated, serviceCA, certManager or existing. */}}
{{- define "tercel.tlsFrom" -}}
{{- if .Values.tls.enabled -}}
{{- if ne .Values.tls.from "auto" }}{{ .Values.tls.from }}
{{- else if include "tercel.onOpenshift" . }}serviceCA
{{- else }}generated{{ end -}}
{{- end -}}
{{- end }}

{{/*
The authority that the chart makes: {"cert", "key"}, PEM. One that is there is kept: certificates go on working, and a
part that is added later gets one of the same authority. Values are one and the same in all files of a rendering.
*/}}
{{- define "tercel.authority" -}}
{{- if not (hasKey .Values "authority") -}}
{{- $full := include "tercel.fullname" . -}}
{{- $known := lookup "v1" "Secret" .Release.Namespace (printf "%s-ca" $full) -}}
{{- if $known -}}
{{- $_ := set .Values "authority" (dict "cert" (index $known.data "tls.crt" | b64dec) "key" (index $known.data "tls.key" | b64dec)) -}}
{{- else -}}
{{- $made := genCAWithKey (printf "Tercel, %s of %s" $full .Release.Namespace | trunc 64) 3650 (genPrivateKey "ecdsa") -}}
{{- $_ := set .Values "authority" (dict "cert" $made.Cert "key" $made.Key) -}}
{{- end -}}
{{- end -}}
{{- toJson .Values.authority -}}
{{- end }}

{{/* (dict "root" $ "name" "falco-falcosidekick"): what its certificate names. */}}
{{- define "tercel.serverNames" -}}
{{- $name := .name -}}{{- $namespace := .root.Release.Namespace -}}
{{- list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.cluster.local" $name $namespace) "localhost" | toJson -}}
{{- end }}

{{/* Its own certificate, and the authority that all others of the release are believed by. */}}
{{- define "tercel.tlsMount" -}}
{{- if .Values.tls.enabled }}
- { name: tls, mountPath: /etc/tercel/tls, readOnly: true }
{{- end }}
{{- end }}
{{- define "tercel.tlsVolume" -}}
{{- if .root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ .name }}-tls
    items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
{{- end }}
{{- end }}
{{- define "tercel.caMount" -}}
{{- if .Values.tls.enabled }}
- { name: ca, mountPath: /etc/tercel/ca, readOnly: true }
{{- end }}
{{- end }}
{{- define "tercel.caVolume" -}}
{{- $from := include "tercel.tlsFrom" . -}}
{{- if eq $from "generated" }}
- name: ca
  configMap: { name: {{ include "tercel.fullname" . }}-ca }
{{- else if eq $from "serviceCA" }}
- name: ca
  configMap:
    name: {{ include "tercel.fullname" . }}-ca
    items: [{ key: service-ca.crt, path: ca.crt }]
{{- else if $from }}
- name: ca
  secret:
    secretName: {{ include "tercel.forwarder" . }}-tls
    items: [{ key: ca.crt, path: ca.crt }]
{{- end }}
{{- end }}

{{/* OpenShift signs a certificate for a Service that asks for it. */}}
{{- define "tercel.serviceAnnotations" -}}
{{- $annotations := deepCopy .annotations -}}
{{- if eq (include "tercel.tlsFrom" .root) "serviceCA" -}}
{{- $_ := set $annotations "service.beta.openshift.io/serving-cert-secret-name" (printf "%s-tls" .name) -}}
{{- end -}}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of a ServiceMonitor's endpoint. */}}
{{- define "tercel.scrapeTls" -}}
{{- if .root.Values.tls.enabled }}
scheme: https
tlsConfig:
  serverName: {{ .name }}.{{ .root.Release.Namespace }}.svc
  ca:
    {{- if has (include "tercel.tlsFrom" .root) (list "generated" "serviceCA") }}
    configMap: { name: {{ include "tercel.fullname" .root }}-ca, key: {{ eq (include "tercel.tlsFrom" .root) "generated" | ternary "ca.crt" "service-ca.crt" }} }
    {{- else }}
    secret: { name: {{ .name }}-tls, key: ca.crt }
    {{- end }}
{{- end }}
{{- end }}
