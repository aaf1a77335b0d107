package worker

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/workflows"
)

// prepareWait bounds an attempt to prepare a namespace, so that a server that
// takes calls and never answers does not keep a worker from saying so.
const prepareWait = 30 * time.Second

// prepareNamespace adds the search attributes that are missing and returns the
// installation's name. Running it twice, or in two workers at once, is once.
func prepareNamespace(ctx context.Context, c client.Client, namespace string) (installation string, err error) {
	ctx, cancel := context.WithTimeout(ctx, prepareWait)
	defer cancel()
	installation, err = Installation(ctx, c, namespace)
	if err != nil {
		return "", err
	}
	if err := addSearchAttributes(ctx, c, namespace); err != nil {
		return "", err
	}
	return installation, nil
}

// Installation asks for the namespace and returns the name that its workers
// give to endpoints. It only reads.
func Installation(ctx context.Context, c client.Client, namespace string) (string, error) {
	described, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return "", fmt.Errorf("describe namespace %s: %w", namespace, err)
	}
	return installationOf(described.GetNamespaceInfo().GetId()), nil
}

// installationOf names an installation after its namespace's unique id, so that
// two installations that share a provider's account never take each other's
// endpoints for their own, and nobody has to think of a name.
func installationOf(namespaceID string) string {
	sum := fnv.New64a()
	sum.Write([]byte(namespaceID))
	name := strconv.FormatUint(sum.Sum64(), 36)
	return name[:min(len(name), 8)]
}

func addSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	missing, err := MissingSearchAttributes(ctx, c, namespace)
	if err != nil || len(missing) == 0 {
		return err
	}
	adding := map[string]enumspb.IndexedValueType{}
	var commands []string
	for _, key := range missing {
		adding[key.GetName()] = key.GetValueType()
		commands = append(commands, AddingCommand(key, namespace))
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: adding})
	if err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w\nadd them by hand:\n  %s", namespace, err, strings.Join(commands, "\n  "))
	}
	return nil
}

// MissingSearchAttributes returns those of nightshift's that the namespace does
// not have. It only reads.
func MissingSearchAttributes(ctx context.Context, c client.Client, namespace string) ([]temporal.SearchAttributeKey, error) {
	listed, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	return slices.DeleteFunc(workflows.SearchAttributes(), func(key temporal.SearchAttributeKey) bool {
		_, there := listed.GetCustomAttributes()[key.GetName()]
		return there
	}), nil
}

// AddingCommand is the command of Temporal's own CLI that adds a search
// attribute.
func AddingCommand(key temporal.SearchAttributeKey, namespace string) string {
	return fmt.Sprintf("temporal operator search-attribute create --namespace %s --name %s --type %s", namespace, key.GetName(), key.GetValueType())
}
