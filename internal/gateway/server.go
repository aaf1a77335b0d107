package gateway

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// Options says what a server works with.
type Options struct {
	Config Config
	Store  *bucket.Store
	Runner Runner
	Keys   *Keys // nil lets everybody in, as tenant default: for loopback only
	Logger *slog.Logger
	Now    func() time.Time // nil is time.Now

	// SightAge is how old the progress of an open batch may be that clients are
	// told; a minute where too many are asked for. The end is told once its report is
	// in the bucket.
	SightAge time.Duration
}

// Served is one request that was answered.
type Served struct {
	Route    string // such as "GET /v1/files/{id}"; empty if none matched
	Status   int
	Took     time.Duration
	Received int64 // bytes of its body
	Sent     int64 // bytes of the answer's
}

// anyone is the tenant of a server without keys.
const anyone = "default"

// maxUploads is how many bodies are taken in at a time: each holds up to three
// parts of 5 MiB. Others wait before they are read.
const maxUploads = 16

// Server is an http.Handler. Nothing that it knows outlives a request but the
// pace of tenants, its counters, and for moments what open jobs are doing.
type Server struct {
	Options
	mux     *http.ServeMux
	uploads chan struct{}
	sights  sights

	counters counters
	leaving  atomic.Bool

	mu    sync.Mutex
	paces map[string]*rate.Limiter // by tenant
}

// New returns a server; it makes no call.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		Options: o, mux: http.NewServeMux(), uploads: make(chan struct{}, maxUploads), paces: map[string]*rate.Limiter{},
		sights: sights{looks: make(chan struct{}, maxLooks), known: map[string]seen{}},
	}
	s.routes()
	return s
}

func (s *Server) routes() {
	for pattern, handle := range map[string]handler{
		"POST /v1/files":                 s.createFile,
		"GET /v1/files":                  s.listFiles,
		"GET /v1/files/{id}":             s.getFile,
		"DELETE /v1/files/{id}":          s.deleteFile,
		"GET /v1/files/{id}/content":     s.getContent,
		"POST /v1/uploads":               s.createUpload,
		"POST /v1/uploads/{id}/parts":    s.addPart,
		"POST /v1/uploads/{id}/complete": s.completeUpload,
		"POST /v1/uploads/{id}/cancel":   s.cancelUpload,
		"POST /v1/batches":               s.createBatch,
		"GET /v1/batches":                s.listBatches,
		"GET /v1/batches/{id}":           s.getBatch,
		"POST /v1/batches/{id}/cancel":   s.cancelBatch,
		"GET /v1/models":                 s.listModels,
		"GET /v1/models/{id...}":         s.getModel,
	} {
		s.mux.Handle(pattern, s.api(handle))
	}
	s.mux.HandleFunc("GET /{$}", s.page)
	s.mux.HandleFunc("GET /healthz", s.healthy)
	s.mux.HandleFunc("GET /readyz", s.ready)
	s.mux.HandleFunc("GET /metrics", s.metrics)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = "" // no route
		fail(w, refusal(http.StatusNotFound, invalidRequest, "", "", "Invalid URL ("+r.Method+" "+shortened(r.URL.Path)+")"))
	})
}

// visitor is a tenant with what is its own.
type visitor struct {
	Tenant
	place
	models []Model
}

func (s *Server) visitor(tenant string) visitor {
	return visitor{Tenant: s.Config.tenant(tenant), place: placeOf(s.Store, s.Config.Root, tenant), models: s.Config.models(tenant)}
}

// handler answers one request of a tenant. An error that it returns is answered
// for it; it must not have written by then.
type handler func(w http.ResponseWriter, r *http.Request, v visitor) error

// api is what all of the API has in common: whose key it is, and how many
// requests that may be.
func (s *Server) api(handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, err := s.whose(r)
		if err == nil {
			noteTenant(r, tenant)
			err = s.admit(w, tenant)
		}
		if err == nil {
			err = handle(w, r, s.visitor(tenant))
		}
		if err != nil {
			noteError(r, err)
			fail(w, err)
		}
	})
}

func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// Leave makes the server say that it is not ready, from now on. It goes on to
// answer.
func (s *Server) Leave() { s.leaving.Store(true) }

// ready answers 200 if the server can do its work: Temporal answers, and so does
// the bucket.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	missing := []string{}
	if s.leaving.Load() {
		missing = append(missing, "the server is being stopped")
	}
	if err := s.Runner.Ready(r.Context()); err != nil {
		missing = append(missing, "Temporal: "+err.Error())
	}
	for _, err := range s.Store.List(r.Context(), placeOf(s.Store, s.Config.Root, anyone).files()) {
		if err != nil {
			missing = append(missing, "bucket: "+err.Error())
		}
		break
	}
	if s.Keys != nil {
		if _, err := s.Keys.current(); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(missing) > 0 {
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "not ready", "missing": missing})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}
