{{/* What loading programs into the kernel and reading other processes takes; the sensor gives up the rest. */}}
{{- define "tercel.capabilities" -}}
[BPF, PERFMON, SYS_PTRACE, DAC_READ_SEARCH]
{{- end }}

{{/* Settings that a reload does not change: pods start again for these alone. */}}
{{- define "tercel.fixedSettings" -}}
{{- $falco := include "tercel.falco" . | fromYaml -}}
{{- pick $falco "engine" "container_engines" "webserver" "sensor" | toJson -}}
{{- end }}
