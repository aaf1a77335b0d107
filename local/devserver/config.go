package devserver

import (
	"net"
	"strconv"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

// clusterName is written into the database; the Temporal CLI uses the same.
const clusterName = "active"

// ports are those of the server's four services.
type ports map[primitives.ServiceName]int

// reservePorts picks free ports for the services that only the server itself
// calls, and takes over the frontend's.
func reservePorts(ip string, frontend net.Listener) (ports, error) {
	p := ports{}
	for _, name := range temporal.DefaultServices {
		service, l := primitives.ServiceName(name), frontend
		if service != primitives.FrontendService {
			var err error
			if l, err = net.Listen("tcp", net.JoinHostPort(ip, "0")); err != nil {
				return nil, err
			}
		}
		port, err := reservePort(l)
		if err != nil {
			return nil, err
		}
		p[service] = port
	}
	return p, nil
}

func serverOptions(o Options, p ports, db *config.SQL, log logger) []temporal.ServerOption {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, port := range p {
		hosts[name] = static.SingleLocalHost(net.JoinHostPort(o.IP, strconv.Itoa(port)))
	}
	return []temporal.ServerOption{
		temporal.WithConfig(serverConfig(o.IP, p, db)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(log),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
		temporal.WithDynamicConfigClient(dynamicConfig(o)),
	}
}

func serverConfig(ip string, p ports, db *config.SQL) *config.Config {
	const store = "sqlite"
	frontend := net.JoinHostPort(ip, strconv.Itoa(p[primitives.FrontendService]))
	c := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     store,
			VisibilityStore:  store,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{store: {SQL: db}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: frontend},
		Services:            map[string]config.Service{},
	}
	c.Archival.History.State = "disabled"
	c.Archival.Visibility.State = "disabled"
	c.NamespaceDefaults.Archival.History.State = "disabled"
	c.NamespaceDefaults.Archival.Visibility.State = "disabled"
	for name, port := range p {
		c.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: ip}}
	}
	return c
}

func dynamicConfig(o Options) dynamicconfig.StaticClient {
	settings := dynamicconfig.StaticClient{
		// By default the frontend reports itself to Temporal's makers.
		dynamicconfig.EnableServerVersionCheck.Key(): false,
		// The Temporal CLI's numbers for a local server.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():                 8096,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		// Otherwise a search attribute can be used only a minute after it was added.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		// A fifth more activities a second than with the default of four.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	}
	if o.ContinueAsNewAfter > 0 {
		settings[dynamicconfig.HistoryCountSuggestContinueAsNew.Key()] = o.ContinueAsNewAfter
	}
	return settings
}
