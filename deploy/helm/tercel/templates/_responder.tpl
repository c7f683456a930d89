{{/*
What the playbooks do, as JSON: {"steps": [{"actionner", "parameters", "contexts"}], "notifiers": […]}. Files are
merged as the responder merges them: an action of a rule takes from the action of that name what it does not say.
*/}}
{{- define "tercel.playbookSteps" -}}
{{- $actions := dict -}}{{- $rules := list -}}
{{- range $file, $text := .Values.responder.playbooks -}}
{{- range $item := fromYamlArray $text -}}
{{- if not (kindIs "map" $item) -}}
{{- fail (printf "responder.playbooks.%s: not a list of rules and actions: %s" $file $item) -}}
{{- else if hasKey $item "rule" -}}
{{- $rules = append $rules $item -}}
{{- else if hasKey $item "action" -}}
{{- $_ := set $actions (toString $item.action) (mergeOverwrite (get $actions (toString $item.action) | default dict) $item) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $steps := list -}}{{- $notifiers := list -}}
{{- range $rule := $rules -}}
{{- $notifiers = concat $notifiers ($rule.notifiers | default list) -}}
{{- range $step := $rule.actions -}}
{{- $from := get $actions (toString $step.action) | default dict -}}
{{- $actionner := $step.actionner | default $from.actionner -}}
{{- if not $actionner -}}
{{- fail (printf "responder.playbooks: rule %v: its action %v has no actionner, and there is no action of that name to take it from" $rule.rule $step.action) -}}
{{- end -}}
{{- $parameters := merge (deepCopy ($step.parameters | default dict)) ($from.parameters | default dict) -}}
{{- $contexts := concat ($step.additional_contexts | default list) ($from.additional_contexts | default list) -}}
{{- $steps = append $steps (dict "actionner" $actionner "parameters" $parameters "contexts" $contexts) -}}
{{- end -}}
{{- end -}}
{{- dict "steps" $steps "notifiers" $notifiers "rules" (len $rules) | toJson -}}
{{- end }}

{{/*
The rules of its ClusterRole, a JSON array: just the verbs that its playbooks use, by files/actions.json (the
responder's own table, kept so by tools/chart-schema). `tercel-responder role FILE` gives the same.
*/}}
{{- define "tercel.responderRules" -}}
{{- $known := .Files.Get "files/actions.json" | fromJson -}}
{{- $used := include "tercel.playbookSteps" . | fromJson -}}
{{- $grants := dict -}}
{{- $needs := list -}}
{{- range $step := $used.steps -}}
{{- $action := get $known $step.actionner -}}
{{- if not $action -}}
{{- fail (printf "responder.playbooks: no actionner %q; known are %s" $step.actionner (keys $known | sortAlpha | join ", ")) -}}
{{- end -}}
{{- range $need := $action.needs -}}
{{- $given := dig ($need.parameter | default "") (get $action.defaults ($need.parameter | default "")) $step.parameters | toString | lower -}}
{{- if or (not $need.parameter) (and $need.value (eq $given $need.value)) (and (not $need.value) $given) -}}
{{- $needs = append $needs $need -}}
{{- end -}}
{{- end -}}
{{- if has "k8snode" $step.contexts }}{{ $needs = append $needs (dict "group" "" "resource" "nodes" "verbs" (list "get")) }}{{ end -}}
{{- end -}}
{{- $notifiers := .Values.responder.config.default_notifiers | default (list "k8sevents") -}}
{{- if kindIs "string" $notifiers }}{{ $notifiers = splitList "," $notifiers }}{{ end -}}
{{- if and $used.rules (has "k8sevents" (concat $notifiers ($used.notifiers | default list))) -}}
{{- $needs = append $needs (dict "group" "" "resource" "events" "verbs" (list "create")) -}}
{{- end -}}
{{- range $need := $needs -}}
{{- $key := printf "%s/%s" $need.group $need.resource -}}
{{- $verbs := concat (dig $key "verbs" list $grants) $need.verbs | uniq | sortAlpha -}}
{{- $_ := set $grants $key (dict "apiGroups" (list $need.group) "resources" (list $need.resource) "verbs" $verbs) -}}
{{- end -}}
{{- $rules := list -}}
{{- range $key := keys $grants | sortAlpha }}{{ $rules = append $rules (get $grants $key) }}{{ end -}}
{{- toJson $rules -}}
{{- end }}

{{/* The responder's settings file. */}}
{{- define "tercel.responderConfig" -}}
{{- $config := deepCopy .Values.responder.config -}}
{{- $files := list -}}
{{- range $file, $_ := .Values.responder.playbooks }}{{ $files = append $files (printf "/etc/tercel/playbooks/%s" $file) }}{{ end -}}
{{- $forwarder := dict "url" (printf "%s://%s.%s.svc:2801/" (include "tercel.scheme" .) (include "tercel.forwarder" .) .Release.Namespace) "token_file" "/etc/tercel/token/forwarder" -}}
{{- $ours := dict "rules_files" $files "token_file" "/etc/tercel/token/responder" "forwarder" $forwarder -}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $forwarder "ca_file" "/etc/tercel/ca/ca.crt" -}}
{{- $_ := set $ours "tls" (dict "cert_file" "/etc/tercel/tls/tls.crt" "key_file" "/etc/tercel/tls/tls.key") -}}
{{- end -}}
{{- if gt (int .Values.responder.replicas) 1 -}}
{{- $_ := set $ours "deduplication" (dict "leader_election" true) -}}
{{- end -}}
{{- toYaml (merge $config $ours) -}}
{{- end }}
