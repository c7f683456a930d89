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
{{- $url := printf "http://%s:2801/" (include "tercel.forwarder" .) -}}
{{- $_ := set $ours "http_output" (dict "enabled" true "url" $url "batch" true "token_file" "/etc/tercel/token/token") -}}
{{- end -}}
{{- toYaml (merge $falco $ours) -}}
{{- end }}

{{/* The forwarder's settings file. */}}
{{- define "tercel.forwarderConfig" -}}
{{- $config := deepCopy .Values.falcosidekick.config -}}
{{- $ours := dict "tokenfile" "/etc/tercel/token/token" -}}
{{- if .Values.falcosidekick.webui.enabled -}}
{{- $_ := set $ours "webui" (dict "url" (printf "http://%s:2802" (include "tercel.dashboard" .))) -}}
{{- end -}}
{{- toYaml (merge $config $ours) -}}
{{- end }}
