package worker

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/workflows"
)

// prepareNamespace adds the search attributes that are missing and returns the
// installation's name. Running it twice, or in two workers at once, is once.
func prepareNamespace(ctx context.Context, c client.Client, namespace string) (installation string, err error) {
	described, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return "", fmt.Errorf("describe namespace %s: %w", namespace, err)
	}
	if err := addSearchAttributes(ctx, c, namespace); err != nil {
		return "", err
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
	listed, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	var commands []string
	for _, key := range workflows.SearchAttributes() {
		if _, there := listed.GetCustomAttributes()[key.GetName()]; !there {
			missing[key.GetName()] = key.GetValueType()
			commands = append(commands, fmt.Sprintf("temporal operator search-attribute create --namespace %s --name %s --type %s", namespace, key.GetName(), key.GetValueType()))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w\nadd them by hand:\n  %s", namespace, err, strings.Join(commands, "\n  "))
	}
	return nil
}
