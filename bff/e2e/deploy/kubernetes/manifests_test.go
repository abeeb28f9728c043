// Package kubernetes checks bff/docs/kubernetes with Kubernetes' own types: what
// kustomize makes of each folder is read strictly, and its parts fit together.
package kubernetes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const folder = "../../../docs/kubernetes/"

// manifests is what a folder comes to.
type manifests struct {
	deployments []appsv1.Deployment
	services    []corev1.Service
	configMaps  []corev1.ConfigMap
	budgets     []policyv1.PodDisruptionBudget
	policies    []networkingv1.NetworkPolicy
	jobs        []batchv1.Job
	autoscalers []autoscalingv2.HorizontalPodAutoscaler
	monitors    []monitoringv1.ServiceMonitor
}

// add reads one document into the type of its kind. A field that the type does
// not have, one that stands twice, and a value of another type are errors.
func (m *manifests) add(document []byte) error {
	var about struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(document, &about); err != nil {
		return err
	}
	switch about.APIVersion + " " + about.Kind {
	case "apps/v1 Deployment":
		return into(&m.deployments, document)
	case "v1 Service":
		return into(&m.services, document)
	case "v1 ConfigMap":
		return into(&m.configMaps, document)
	case "policy/v1 PodDisruptionBudget":
		return into(&m.budgets, document)
	case "networking.k8s.io/v1 NetworkPolicy":
		return into(&m.policies, document)
	case "batch/v1 Job":
		return into(&m.jobs, document)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return into(&m.autoscalers, document)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return into(&m.monitors, document)
	}
	return fmt.Errorf("%s %s has no type here", about.APIVersion, about.Kind)
}

func into[T any](list *[]T, document []byte) error {
	var one T
	text, err := yaml.YAMLToJSONStrict(document) // no key twice
	if err != nil {
		return err
	}
	// As the API server reads: the case of a name counts.
	strict, err := json.UnmarshalStrict(text, &one)
	*list = append(*list, one)
	return errors.Join(err, errors.Join(strict...))
}

// build runs kustomize on a folder below bff/docs/kubernetes.
func build(t *testing.T, name string) manifests {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder+name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var m manifests
	for _, r := range resources.Resources() {
		document, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.add(document); err != nil {
			t.Errorf("%s: %s: %v", name, r.CurId(), err)
		}
	}
	return m
}

func TestManifestsAreReadStrictly(t *testing.T) {
	for name, want := range map[string]string{
		"base":             "1 deployments, 1 services, 2 configMaps, 1 budgets, 1 policies, 0 jobs, 0 autoscalers, 0 monitors",
		"overlays/example": "1 deployments, 2 services, 2 configMaps, 1 budgets, 1 policies, 0 jobs, 1 autoscalers, 1 monitors",
		"migrate":          "0 deployments, 0 services, 1 configMaps, 0 budgets, 0 policies, 1 jobs, 0 autoscalers, 0 monitors",
	} {
		m := build(t, name)
		got := fmt.Sprintf("%d deployments, %d services, %d configMaps, %d budgets, %d policies, %d jobs, %d autoscalers, %d monitors",
			len(m.deployments), len(m.services), len(m.configMaps), len(m.budgets), len(m.policies), len(m.jobs), len(m.autoscalers), len(m.monitors))
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// The mistakes that people make, and that the cluster takes without a word or
// refuses in the middle of a rollout.
func TestMistakesInManifestsAreFound(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports: [{port: 80}]\n"
	if err := new(manifests).add([]byte(service)); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"a field that there is not": strings.Replace(service, "port:", "prot:", 1),
		"another case":              strings.Replace(service, "ports:", "Ports:", 1),
		"a word for a number":       strings.Replace(service, "80", "eighty", 1),
		"a field twice":             service + "spec: {}\n",
		"another version":           strings.Replace(service, "v1", "v1beta1", 1),
		"a kind that there is not":  strings.Replace(service, "Service", "Servce", 1),
	} {
		if err := new(manifests).add([]byte(text)); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
}
