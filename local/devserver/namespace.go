package devserver

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/config"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

// createNamespace writes the namespace into the database unless it is there.
func createNamespace(db *config.SQL, o Options) error {
	ns, err := sqliteschema.NewNamespaceConfig(clusterName, o.Namespace, false, o.SearchAttributes)
	if err != nil {
		return err
	}
	ns.Detail.Config.Retention = durationpb.New(o.Retention)
	return sqliteschema.CreateNamespaces(db, ns)
}

// updateNamespace brings the namespace of an older file up to date.
func updateNamespace(ctx context.Context, conn *grpc.ClientConn, o Options) error {
	if err := setRetention(ctx, workflowservice.NewWorkflowServiceClient(conn), o.Namespace, o.Retention); err != nil {
		return err
	}
	return addSearchAttributes(ctx, operatorservice.NewOperatorServiceClient(conn), o.Namespace, o.SearchAttributes)
}

func setRetention(ctx context.Context, c workflowservice.WorkflowServiceClient, namespace string, retention time.Duration) error {
	is, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	if is.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == retention {
		return nil
	}
	_, err = c.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: namespace,
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(retention)},
	})
	return err
}

func addSearchAttributes(ctx context.Context, c operatorservice.OperatorServiceClient, namespace string, want map[string]enumspb.IndexedValueType) error {
	is, err := c.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, kind := range want {
		switch old, ok := is.CustomAttributes[name]; {
		case !ok:
			missing[name] = kind
		case old != kind:
			return fmt.Errorf("search attribute %s is of type %s in this file, not %s, and cannot change: use a new file", name, old, kind)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	return err
}
