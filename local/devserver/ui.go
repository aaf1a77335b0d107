package devserver

import (
	"io/fs"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	echolog "github.com/labstack/gommon/log"
	"github.com/temporalio/ui-server/v2/server/api"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// uiHandler is the Web UI over conn: the routes of the UI server's own
// NewServer, less those for logins, other origins and asking for newer releases.
func uiHandler(conn *grpc.ClientConn, namespace string) (http.Handler, error) {
	provider, err := config.NewConfigProviderWithRefresh(&config.Config{
		EnableUI:         true,
		DefaultNamespace: namespace,
		DisableNewsFetch: true,
		CORS:             config.CORS{CookieInsecure: true}, // plain HTTP
	})
	if err != nil {
		return nil, err
	}
	all, err := ui.Assets()
	if err != nil {
		return nil, err
	}
	assets, err := fs.Sub(all, "local")
	if err != nil {
		return nil, err
	}

	e := echo.New()
	e.Logger.SetLevel(echolog.OFF)
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure())
	// A page of another site must not be able to start workflows here.
	e.Use(csrf.EnsureTokenCookie(false), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, false)))
	route.SetHealthRoute(e)
	setAPIRoutes(e, provider, conn)
	route.SetRenderRoute(e, "/")
	return e, route.SetUIRoutes(e, "", assets, provider)
}

func setAPIRoutes(e *echo.Echo, provider *config.ConfigProviderWithRefresh, conn *grpc.ClientConn) {
	forward := []api.Middleware{headers.WithForwardHeaders([]string{"Caller-Type"})}
	g := e.Group("/api/v1")
	g.GET("/settings", api.GetSettings(provider))
	g.GET("/ui-extensions", api.GetUIExtensions(provider, api.TemporalAccessCheck(conn, forward)))
	g.GET(api.WorkflowRawHistoryUrl, api.WorkflowRawHistoryHandler(workflowservice.NewWorkflowServiceClient(conn)))
	g.Any("/*", api.TemporalAPIHandler(provider, forward, conn))
}
