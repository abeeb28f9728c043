package kubernetes

import (
	"maps"
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namespace is where everything is, and the Secret's and pods' user.
const (
	namespace = "gatehouse"
	user      = 65532
)

// picks reports whether labels have all that a selector, which must not be
// empty, asks for.
func picks(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

// A selector with a slip in it picks nothing, and no error tells.
func TestSelectorsAndPortsFindThePods(t *testing.T) {
	for _, name := range []string{"base", "overlays/example"} {
		m := build(t, name)
		pod := m.deployments[0].Spec.Template
		ports := map[string]int32{}
		for _, p := range pod.Spec.Containers[0].Ports {
			ports[p.Name] = p.ContainerPort
		}
		selects := func(what string, in string, selector *metav1.LabelSelector) {
			t.Helper()
			if in != namespace || selector == nil || !picks(selector.MatchLabels, pod.Labels) || len(selector.MatchExpressions) > 0 {
				t.Errorf("%s: %s in %q does not pick the pods: %v", name, what, in, selector)
			}
			// A Service that picks any component of the name sends people to another product's.
			if other := map[string]string{"app.kubernetes.io/name": "another", "app.kubernetes.io/component": "bff"}; picks(selector.MatchLabels, other) {
				t.Errorf("%s: %s picks another product's pods: %v", name, what, selector)
			}
		}
		selects("the Deployment", m.deployments[0].Namespace, m.deployments[0].Spec.Selector)
		selects("the PodDisruptionBudget", m.budgets[0].Namespace, m.budgets[0].Spec.Selector)
		selects("the NetworkPolicy", m.policies[0].Namespace, &m.policies[0].Spec.PodSelector)
		for _, spread := range pod.Spec.TopologySpreadConstraints {
			selects("a spread", namespace, spread.LabelSelector)
		}
		for _, s := range m.services {
			selects("Service "+s.Name, s.Namespace, &metav1.LabelSelector{MatchLabels: s.Spec.Selector})
			for _, p := range s.Spec.Ports {
				if ports[p.TargetPort.StrVal] == 0 {
					t.Errorf("%s: Service %s leads to port %s", name, s.Name, p.TargetPort.String())
				}
				if p.TargetPort.StrVal == "ops" && s.Spec.ClusterIP != "None" {
					t.Errorf("%s: Service %s balances the private listener", name, s.Name)
				}
			}
		}
		for _, rule := range m.policies[0].Spec.Ingress {
			if len(rule.From) == 0 || len(rule.Ports) == 0 {
				t.Errorf("%s: a rule lets everybody in, or everywhere: %v", name, rule)
			}
			for _, p := range rule.Ports {
				if ports[p.Port.StrVal] == 0 {
					t.Errorf("%s: the NetworkPolicy opens port %s", name, p.Port.String())
				}
			}
		}
		if !slices.Equal(slices.Sorted(maps.Keys(ports)), []string{"http", "ops"}) {
			t.Errorf("%s: ports %v", name, ports)
		}
	}
}

func TestOverlayScalesAndIsScraped(t *testing.T) {
	m := build(t, "overlays/example")
	d, h, s := m.deployments[0], m.autoscalers[0], m.monitors[0]
	to := h.Spec.ScaleTargetRef
	if to.APIVersion != "apps/v1" || to.Kind != "Deployment" || to.Name != d.Name || h.Namespace != d.Namespace {
		t.Errorf("it scales %v", to)
	}
	if d.Spec.Replicas != nil || *h.Spec.MinReplicas < 2 || h.Spec.MaxReplicas < *h.Spec.MinReplicas {
		t.Errorf("replicas %v beside an autoscaler of %d to %d", d.Spec.Replicas, *h.Spec.MinReplicas, h.Spec.MaxReplicas)
	}
	// MYSQL_MAX_CONNECTIONS and max_connections as they are by default; a rollout has one instance more.
	if most := 25 * (h.Spec.MaxReplicas + 1); most > 151 {
		t.Errorf("%d instances and one more take %d connections to MySQL", h.Spec.MaxReplicas, most)
	}
	if len(h.Spec.Metrics) != 1 || h.Spec.Metrics[0].Type != autoscalingv2.PodsMetricSourceType ||
		h.Spec.Metrics[0].Pods.Metric.Name != "gatehouse_password_hashes_waiting" {
		t.Errorf("it scales by %v", h.Spec.Metrics)
	}
	found := 0
	for _, service := range m.services {
		if !picks(s.Spec.Selector.MatchLabels, service.Labels) {
			continue
		}
		found++
		if service.Labels[s.Spec.JobLabel] != "gatehouse" || service.Namespace != s.Namespace || !service.Spec.PublishNotReadyAddresses {
			t.Errorf("the scraped Service: %v", service)
		}
		if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Name != s.Spec.Endpoints[0].Port {
			t.Errorf("it scrapes %s of %v", s.Spec.Endpoints[0].Port, service.Spec.Ports)
		}
	}
	if found != 1 {
		t.Errorf("the ServiceMonitor finds %d services", found)
	}
	if base := build(t, "base").deployments[0].Spec.Replicas; base == nil || *base != 2 {
		t.Errorf("without an autoscaler: %v replicas", base)
	}
	if m.configMaps[0].Data["PUBLIC_URL"] != "https://members.example.org" || m.configMaps[0].Data["OPS_ADDR"] != ":9090" {
		t.Errorf("the overlay's settings: %v", m.configMaps[0].Data)
	}
}

// One pod at a time goes, and never the last.
func TestDisruptionsLeaveAnInstance(t *testing.T) {
	m := build(t, "base")
	rolling := m.deployments[0].Spec.Strategy.RollingUpdate
	if max := m.budgets[0].Spec.MaxUnavailable; max == nil || max.IntValue() != 1 || rolling.MaxUnavailable.IntValue() != 0 {
		t.Errorf("disruptions %v, rollout %v", m.budgets[0].Spec, rolling)
	}
}

// restricted is the Pod Security Standard of that name, and what it lacks.
func restricted(t *testing.T, what string, pod corev1.PodSpec) {
	t.Helper()
	p := pod.SecurityContext
	if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || *p.RunAsUser != user || *p.FSGroup != user ||
		p.SeccompProfile == nil || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: the pod's security context: %v", what, p)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken || pod.HostNetwork || pod.HostPID {
		t.Errorf("%s has what it needs none of: a token of the API, or the host", what)
	}
	if pod.EnableServiceLinks == nil || *pod.EnableServiceLinks {
		t.Errorf("%s: every Service of the namespace writes into its environment", what)
	}
	for _, c := range pod.Containers {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.Privileged != nil || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
			t.Errorf("%s: the security context of %s: %v", what, c.Name, s)
		}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
			if request.IsZero() || limit.Cmp(request) < 0 {
				t.Errorf("%s: %s of %s: %s, at most %s", what, name, c.Name, request.String(), limit.String())
			}
		}
		for _, e := range c.Env {
			if len(e.Name) < 5 || e.Name[len(e.Name)-5:] != "_FILE" || e.ValueFrom != nil {
				t.Errorf("%s: %s of %s: settings are in the ConfigMap, secrets in files", what, e.Name, c.Name)
			}
		}
	}
}

func TestPodsAreRestrictedAndSecretsAreFiles(t *testing.T) {
	base, migrate := build(t, "base"), build(t, "migrate")
	for what, x := range map[string]struct {
		pod  corev1.PodSpec
		maps []corev1.ConfigMap
	}{
		"Deployment": {base.deployments[0].Spec.Template.Spec, base.configMaps},
		"Job":        {migrate.jobs[0].Spec.Template.Spec, migrate.configMaps},
	} {
		restricted(t, what, x.pod)
		there := map[string]bool{}
		for _, m := range x.maps {
			there[m.Name] = true
		}
		used := map[string]bool{}
		for _, c := range x.pod.Containers {
			for _, from := range c.EnvFrom {
				if !there[from.ConfigMapRef.Name] {
					t.Errorf("%s: there is no ConfigMap %s", what, from.ConfigMapRef.Name)
				}
			}
			for _, mount := range c.VolumeMounts {
				used[mount.Name] = mount.ReadOnly
			}
		}
		for _, v := range x.pod.Volumes {
			if !used[v.Name] {
				t.Errorf("%s: volume %s is not mounted, or not read-only", what, v.Name)
			}
			if v.ConfigMap != nil && !there[v.ConfigMap.Name] {
				t.Errorf("%s: there is no ConfigMap %s", what, v.ConfigMap.Name)
			}
			if v.Secret != nil && (v.Secret.SecretName != "gatehouse" || *v.Secret.DefaultMode != 0o440) {
				t.Errorf("%s: the Secret %s with mode %o", what, v.Secret.SecretName, *v.Secret.DefaultMode)
			}
		}
	}
}

// What the drain needs comes from the ConfigMap, and
// what the cluster grants from the Deployment.
func TestGraceAndMemoryFitTheSettings(t *testing.T) {
	for _, name := range []string{"base", "overlays/example"} {
		m := build(t, name)
		pod, env := m.deployments[0].Spec.Template.Spec, map[string]string{}
		for _, c := range m.configMaps {
			maps.Copy(env, c.Data)
		}
		shutdown, err := time.ParseDuration(env["SHUTDOWN_TIMEOUT"])
		if err != nil {
			t.Fatal(err)
		}
		probe := pod.Containers[0].ReadinessProbe
		if seen := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second; seen > shutdown/4 {
			t.Errorf("%s: readiness takes %v to be off, and the port is closed after %v", name, seen, shutdown/4)
		}
		// Gatehouse reads the limit from the cgroup, unless this is set.
		if value, ok := env["GOMEMLIMIT"]; ok {
			t.Errorf("%s: GOMEMLIMIT=%s takes the place of the memory limit", name, value)
		}
		for _, c := range pod.Containers {
			if c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: %s has no memory limit", name, c.Name)
			}
		}
	}
}
