{{/*
Keys that people have from Falco's charts of old, or write by mistake, with the name that works. The schema
lets them through so that this can say so.
*/}}
{{- define "tercel.refused" -}}
{{- $config := .Values.falcosidekick.config -}}
{{- if hasKey $config "Pagerduty" -}}
{{- fail "falcosidekick.config.Pagerduty is not known: names are in small letters. Set falcosidekick.config.pagerduty.routingkey to the integration key of an Events API v2 integration" -}}
{{- end -}}
{{- range $wrong := list "apikey" "service" "assignee" "escalationpolicy" -}}
{{- if get ($config.pagerduty | default dict) $wrong -}}
{{- fail (printf "falcosidekick.config.pagerduty.%s has no effect: who is called is decided in PagerDuty. Set falcosidekick.config.pagerduty.routingkey to the integration key of an Events API v2 integration" $wrong) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tercel.refusedResponder" -}}
{{- if and .Values.responder.enabled (not .Values.falcosidekick.enabled) -}}
{{- fail "responder.enabled needs falcosidekick.enabled: the responder acts on what the forwarder hands on" -}}
{{- end -}}
{{- range $name := list "responseActions" "falco-talon" -}}
{{- if hasKey $.Values $name -}}
{{- fail (printf "%s is not known here. Set responder.enabled, responder.playbooks (Talon's rules) and responder.config (Talon's settings)" $name) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* falco.yaml as the sensor reads it: what users set, with the chart's own keys and Falco's old names. */}}
{{- define "tercel.falco" -}}
{{- $falco := deepCopy .Values.falco -}}
{{- if hasKey $falco "docker" -}}
{{- $engines := dict "docker" (dict "enabled" (dig "docker" "enabled" true $falco)) -}}
{{- $_ := set $falco "container_engines" (merge ($falco.container_engines | default dict) $engines) -}}
{{- $_ := unset $falco "docker" -}}
{{- end -}}
{{- if hasKey $falco "jsonOutput" -}}
{{- $_ := set $falco "json_output" $falco.jsonOutput -}}
{{- $_ := unset $falco "jsonOutput" -}}
{{- end -}}
{{- if not (hasKey $falco "rules_files") -}}
{{- $files := list -}}
{{- if .Values.shippedRules }}{{ $files = append $files "/usr/share/tercel/rules" }}{{ end -}}
{{- if .Values.customRules }}{{ $files = append $files "/etc/tercel/rules.d" }}{{ end -}}
{{- $_ := set $falco "rules_files" $files -}}
{{- end -}}
{{- $ours := dict "sensor" (dict "host_root" "/host") "stdout_output" (dict "enabled" true) "json_output" true "append_output" (list (dict "suggested_output" true)) "watch_config_files" true "webserver" (dict "enabled" true) "metrics" (dict "enabled" true "output_rule" false) -}}
{{- if .Values.falcosidekick.enabled -}}
{{- $url := printf "%s://%s.%s.svc:2801/" (include "tercel.scheme" .) (include "tercel.forwarder" .) .Release.Namespace -}}
{{- $output := dict "enabled" true "url" $url "batch" true "token_file" "/etc/tercel/token/token" -}}
{{- if .Values.tls.enabled }}{{ $_ := set $output "ca_cert" "/etc/tercel/ca/ca.crt" }}{{ end -}}
{{- $_ := set $ours "http_output" $output -}}
{{- end -}}
{{- toYaml (merge $falco $ours) -}}
{{- end }}

{{/* The forwarder's settings file. */}}
{{- define "tercel.forwarderConfig" -}}
{{- $config := deepCopy .Values.falcosidekick.config -}}
{{- $ours := dict "tokenfile" "/etc/tercel/token/token" -}}
{{- $scheme := include "tercel.scheme" . -}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $ours "tlsserver" (dict "deploy" true "certfile" "/etc/tercel/tls/tls.crt" "keyfile" "/etc/tercel/tls/tls.key") -}}
{{- $_ := set $ours "tlsclient" (dict "cacertfile" "/etc/tercel/ca/ca.crt") -}}
{{- end -}}
{{- if .Values.falcosidekick.webui.enabled -}}
{{- $_ := set $ours "webui" (dict "url" (printf "%s://%s.%s.svc:2802" $scheme (include "tercel.dashboard" .) .Release.Namespace)) -}}
{{- end -}}
{{- if .Values.responder.enabled -}}
{{- $_ := set $ours "talon" (dict "address" (printf "%s://%s.%s.svc:2803" $scheme (include "tercel.responder" .) .Release.Namespace)) -}}
{{- end -}}
{{- toYaml (merge $config $ours) -}}
{{- end }}
