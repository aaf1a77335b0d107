package deploy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/workflows"
)

// kinds are those of Kubernetes that the manifests use, each as the type that
// Kubernetes itself decodes it into.
var kinds = map[string]func() metav1.Object{
	"v1 Namespace":                       func() metav1.Object { return &corev1.Namespace{} },
	"v1 ServiceAccount":                  func() metav1.Object { return &corev1.ServiceAccount{} },
	"v1 ConfigMap":                       func() metav1.Object { return &corev1.ConfigMap{} },
	"v1 Service":                         func() metav1.Object { return &corev1.Service{} },
	"apps/v1 Deployment":                 func() metav1.Object { return &appsv1.Deployment{} },
	"batch/v1 Job":                       func() metav1.Object { return &batchv1.Job{} },
	"policy/v1 PodDisruptionBudget":      func() metav1.Object { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy": func() metav1.Object { return &networkingv1.NetworkPolicy{} },
}

// scaledObject is as much of KEDA's as is looked at here; its schema checks the
// rest.
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ScaleTargetRef struct{ Name string }
		Triggers       []struct {
			Type     string
			Metadata map[string]string
		}
	} `json:"spec"`
}

// manifests are all objects of deploy/kubernetes, decoded strictly.
type manifests struct {
	deployments map[string]*appsv1.Deployment
	pods        map[string]corev1.PodTemplateSpec // by what they belong to
	configs     map[string]*corev1.ConfigMap
	budgets     []*policyv1.PodDisruptionBudget
	policies    []*networkingv1.NetworkPolicy
	scaled      []scaledObject
}

func loadManifests(t *testing.T) manifests {
	t.Helper()
	m := manifests{deployments: map[string]*appsv1.Deployment{}, pods: map[string]corev1.PodTemplateSpec{}, configs: map[string]*corev1.ConfigMap{}}
	var kustomization struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(read(t, "deploy/kubernetes/kustomization.yaml")), &kustomization); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "deploy/kubernetes/*.yaml"))
	if err != nil || len(files) != len(kustomization.Resources)+1 {
		t.Errorf("%d files, %d resources in kustomization.yaml, %v", len(files), len(kustomization.Resources), err)
	}
	for _, file := range kustomization.Resources {
		reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(read(t, "deploy/kubernetes/"+file))))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = m.add(t, document)
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
	return m
}

// add decodes a document. A field that Kubernetes does not know, or one given
// twice, is an error.
func (m *manifests) add(t *testing.T, document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	if kind.Kind == "ScaledObject" {
		return m.addScaled(t, document)
	}
	make, known := kinds[kind.APIVersion+" "+kind.Kind]
	if !known {
		return fmt.Errorf("unknown kind %+v", kind)
	}
	object := make()
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return fmt.Errorf("%s: %w", kind.Kind, err)
	}
	switch object := object.(type) {
	case *appsv1.Deployment:
		m.deployments[object.Name], m.pods[object.Name] = object, object.Spec.Template
	case *batchv1.Job:
		m.pods[object.Name] = object.Spec.Template
	case *corev1.ConfigMap:
		m.configs[object.Name] = object
	case *policyv1.PodDisruptionBudget:
		m.budgets = append(m.budgets, object)
	case *networkingv1.NetworkPolicy:
		m.policies = append(m.policies, object)
	}
	return nil
}

// addScaled checks the document against the schema of KEDA's own definition.
func (m *manifests) addScaled(t *testing.T, document []byte) error {
	text, err := yaml.YAMLToJSON(document)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if err := kedaSchema(t).Validate(instance); err != nil {
		return err
	}
	var scaled scaledObject
	err = yaml.Unmarshal(document, &scaled)
	m.scaled = append(m.scaled, scaled)
	return err
}

// kedaSchema is the schema of a ScaledObject, in which fields that it does not
// name are errors, as they are to "kubectl apply".
func kedaSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "local/deploy/testdata/keda.sh_scaledobjects.yaml")), &definition); err != nil {
		t.Fatal(err)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	refuseUnknown(schema)
	schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("scaledobject.json", schema); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("scaledobject.json")
}

func refuseUnknown(schema any) {
	switch schema := schema.(type) {
	case map[string]any:
		if _, object := schema["properties"].(map[string]any); object && schema["additionalProperties"] == nil {
			schema["additionalProperties"] = false
		}
		for _, below := range schema {
			refuseUnknown(below)
		}
	case []any:
		for _, below := range schema {
			refuseUnknown(below)
		}
	}
}

func TestKubernetes_UnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	var m manifests
	for _, document := range []string{
		"apiVersion: apps/v1\nkind: Deployment\nspec: {replicass: 2}\n",
		"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {scaleTargetRef: {name: x}, triggers: [], minReplicas: 1}\n",
		"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {scaleTargetRef: {name: x}, triggers: [{type: cpu, metadata: {value: 75}}]}\n",
	} {
		if err := m.add(t, []byte(document)); err == nil {
			t.Errorf("taken: %s", document)
		}
	}
}

// TestKubernetes_PodsAreRestricted as Kubernetes' standard of that name asks,
// which the namespace enforces.
func TestKubernetes_PodsAreRestricted(t *testing.T) {
	t.Parallel()
	for name, pod := range loadManifests(t).pods {
		of := pod.Spec.SecurityContext
		if of == nil || of.RunAsNonRoot == nil || !*of.RunAsNonRoot || of.SeccompProfile == nil || of.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
			t.Errorf("%s: pod's security context %+v", name, of)
		}
		if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
			t.Errorf("%s: has a token of Kubernetes", name)
		}
		for _, container := range pod.Spec.Containers {
			own := container.SecurityContext
			if own == nil || own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation ||
				own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem || !slices.Contains(own.Capabilities.Drop, "ALL") {
				t.Errorf("%s: container's security context %+v", name, own)
			}
			if container.Image != "nightshift" {
				t.Errorf("%s: image %q is not the one that kustomization.yaml sets", name, container.Image)
			}
			if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
				t.Errorf("%s: resources %+v", name, container.Resources)
			}
		}
	}
}

// TestKubernetes_CommandsAndEnvironment: the program knows each command and
// variable, and files that variables name are mounted.
func TestKubernetes_CommandsAndEnvironment(t *testing.T) { // one at a time: the library shares its help flag
	m := loadManifests(t)
	for name, pod := range m.pods {
		container := pod.Spec.Containers[0]
		if err := cli.Parse(append([]string{"nightshift"}, container.Args...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, from := range container.EnvFrom {
			config, known := m.configs[from.ConfigMapRef.Name]
			if !known {
				t.Fatalf("%s: there is no config map %s", name, from.ConfigMapRef.Name)
			}
			for variable := range config.Data {
				if !slices.Contains(append(cli.Variables(), libraries...), variable) {
					t.Errorf("nothing reads %s", variable)
				}
			}
		}
		for _, mount := range container.VolumeMounts {
			if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) {
				t.Errorf("%s: there is no volume %s", name, mount.Name)
			}
		}
	}
	if _, err := gateway.ParseConfig("serve.yaml", []byte(m.configs["nightshift-served"].Data["serve.yaml"])); err != nil {
		t.Error(err)
	}
	mounted := m.pods["nightshift-control"].Spec.Containers[0].VolumeMounts
	for variable, value := range m.configs["nightshift"].Data {
		if strings.HasPrefix(value, "/") && !slices.ContainsFunc(mounted, func(v corev1.VolumeMount) bool { return strings.HasPrefix(value, v.MountPath+"/") }) {
			t.Errorf("%s: nothing is mounted at %s", variable, value)
		}
	}
}

func TestKubernetes_WorkersAreProbedAndSelected(t *testing.T) {
	t.Parallel()
	m := loadManifests(t)
	for name, deployment := range m.deployments {
		selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(deployment.Spec.Template.Labels)) {
			t.Errorf("%s does not select its own pods, %v", name, err)
		}
		container := deployment.Spec.Template.Spec.Containers[0]
		port := m.configs["nightshift"].Data["NIGHTSHIFT_HEALTH_LISTEN"]
		live := "/livez"
		if name == "nightshift-gateway" {
			port, live = container.Args[slices.Index(container.Args, "--listen")+1], "/healthz"
		}
		for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
			at := slices.IndexFunc(container.Ports, func(p corev1.ContainerPort) bool { return probe != nil && p.Name == probe.HTTPGet.Port.StrVal })
			if at < 0 || !strings.HasSuffix(port, fmt.Sprintf(":%d", container.Ports[at].ContainerPort)) {
				t.Errorf("%s: probe %+v does not ask where it listens, %s", name, probe, port)
			}
		}
		if container.LivenessProbe.HTTPGet.Path != live || container.ReadinessProbe.HTTPGet.Path != "/readyz" {
			t.Errorf("%s: probes ask %s and %s", name, container.LivenessProbe.HTTPGet.Path, container.ReadinessProbe.HTTPGet.Path)
		}
		budgets := slices.DeleteFunc(slices.Clone(m.budgets), func(b *policyv1.PodDisruptionBudget) bool {
			selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
			return err != nil || !selector.Matches(labels.Set(deployment.Spec.Template.Labels))
		})
		if len(budgets) != 1 {
			t.Errorf("%s has %d disruption budgets", name, len(budgets))
		}
	}
	for name, pod := range m.pods {
		selector, err := metav1.LabelSelectorAsSelector(&m.policies[0].Spec.PodSelector)
		if err != nil || !selector.Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s is not below the network policy, %v", name, err)
		}
	}
	if control := m.deployments["nightshift-control"]; control.Spec.Replicas == nil || *control.Spec.Replicas < 2 {
		t.Error("a single control worker cannot die")
	}
}

// temporalTrigger are the parameters that KEDA's scaler for Temporal takes
// (pkg/scalers/temporal_scaler.go, v2.18.1); what it does not know it ignores.
var temporalTrigger = []string{"endpoint", "namespace", "activationTargetQueueSize", "targetQueueSize", "taskQueue", "queueTypes", "buildId",
	"selectAllActive", "selectUnversioned", "minConnectTimeout", "unsafeSsl", "tlsServerName"}

func TestKubernetes_ScalesByTheQueueOfShards(t *testing.T) {
	t.Parallel()
	m := loadManifests(t)
	scaled := m.scaled[0].Spec
	target, known := m.deployments[scaled.ScaleTargetRef.Name]
	if !known || target.Spec.Replicas != nil {
		t.Errorf("scales %q, whose own replicas would undo that", scaled.ScaleTargetRef.Name)
	}
	trigger := scaled.Triggers[0]
	for parameter := range trigger.Metadata {
		if !slices.Contains(temporalTrigger, parameter) {
			t.Errorf("KEDA does not know %s", parameter)
		}
	}
	config := m.configs["nightshift"].Data
	for parameter, want := range map[string]string{
		"taskQueue": workflows.DataQueue, "queueTypes": "activity",
		"endpoint": config["TEMPORAL_ADDRESS"], "namespace": config["TEMPORAL_NAMESPACE"],
	} {
		if got := trigger.Metadata[parameter]; got != want {
			t.Errorf("%s is %q, want %q", parameter, got, want)
		}
	}
}
