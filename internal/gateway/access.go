package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// bodyIdle is how long a client may be silent in the middle of a body.
const bodyIdle = 2 * time.Minute

// entry is what the access log says of a request beside what net/http knows.
type entry struct {
	tenant string
	err    error
}

type entryKey struct{}

func noteTenant(r *http.Request, tenant string) {
	if e, ok := r.Context().Value(entryKey{}).(*entry); ok {
		e.tenant = tenant
	}
}

// noteError keeps an error for the log: the client is told only those that are
// the API's.
func noteError(r *http.Request, err error) {
	if _, known := errors.AsType[*apiError](err); known {
		return
	}
	if e, ok := r.Context().Value(entryKey{}).(*entry); ok {
		e.err = err
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := "req_" + strings.ToLower(rand.Text())
	note := &entry{}
	r = r.WithContext(context.WithValue(r.Context(), entryKey{}, note))
	body := &meteredBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	r.Body = body
	answered := &meteredWriter{ResponseWriter: w}
	answered.Header().Set("x-request-id", id)
	answered.Header().Set("X-Content-Type-Options", "nosniff")
	func() {
		defer s.recovered(answered, note)
		if err := s.sameSite(r); err != nil {
			fail(answered, err)
			return
		}
		s.mux.ServeHTTP(answered, r)
	}()
	served := Served{Route: r.Pattern, Status: answered.status, Took: time.Since(began), Received: body.read, Sent: answered.sent}
	s.counters.add(served)
	s.log(r, id, note, served)
}

// log writes the access log: never a body, a key or a query.
func (s *Server) log(r *http.Request, id string, note *entry, served Served) {
	level, attributes := slog.LevelInfo, []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", served.Status),
		slog.Duration("took", served.Took), slog.Int64("received", served.Received), slog.Int64("sent", served.Sent),
		slog.String("tenant", note.tenant), slog.String("request", id),
	}
	if note.err != nil {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", note.err.Error()))
	}
	if strings.HasSuffix(r.URL.Path, "z") && served.Status == http.StatusOK {
		level = slog.LevelDebug // probes come every few seconds
	}
	s.Logger.LogAttrs(r.Context(), level, "served", attributes...)
}

// recovered answers for a handler that panicked, unless it has answered.
func (s *Server) recovered(w *meteredWriter, note *entry) {
	switch why := recover(); {
	case why == nil:
	case why == http.ErrAbortHandler:
		panic(why)
	default:
		note.err = fmt.Errorf("panic: %v\n%s", why, debug.Stack())
		if w.status == 0 {
			fail(w, note.err)
		}
	}
}

// sameSite refuses what a page of another site makes a browser ask for. A
// server without keys refuses other names than this machine's too, since such a
// page can have a name that leads here.
func (s *Server) sameSite(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return refusal(http.StatusForbidden, invalidRequest, "", "", "Requests from pages of other sites are refused.")
	}
	if s.Keys != nil {
		return nil
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); host == "localhost" || ip.IsLoopback() {
		return nil
	}
	return refusal(http.StatusForbidden, invalidRequest, "", "", "A server without keys answers only to localhost.")
}

// whose tells the tenant of a request by its bearer key.
func (s *Server) whose(r *http.Request) (string, error) {
	if s.Keys == nil {
		return anyone, nil
	}
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if secret = strings.TrimSpace(secret); !ok || secret == "" {
		return "", refusal(http.StatusUnauthorized, invalidRequest, "", "",
			"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).")
	}
	tenant, known := s.Keys.tenant(secret)
	if !known {
		return "", refusal(http.StatusUnauthorized, invalidRequest, "", "invalid_api_key", "Incorrect API key provided: "+masked(secret)+".")
	}
	return tenant, nil
}

// masked shows enough of a key to tell which of one's own it was.
func masked(secret string) string {
	if len(secret) < 20 {
		return "***"
	}
	return secret[:6] + "***" + secret[len(secret)-4:]
}

// admit counts a request of a tenant, or refuses it, and says how many may
// follow.
func (s *Server) admit(w http.ResponseWriter, tenant string) error {
	perMinute := s.Config.tenant(tenant).Limits.RequestsPerMinute
	pace := s.pace(tenant, perMinute)
	now := s.Now()
	reservation := pace.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	left := max(0, pace.TokensAt(now))
	missing := float64(perMinute) - left
	header := w.Header()
	header.Set("x-ratelimit-limit-requests", strconv.Itoa(perMinute))
	header.Set("x-ratelimit-remaining-requests", strconv.Itoa(int(left)))
	header.Set("x-ratelimit-reset-requests", time.Duration(missing/float64(perMinute)*float64(time.Minute)).Round(time.Millisecond).String())
	if wait == 0 {
		return nil
	}
	header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	header.Set("retry-after-ms", strconv.FormatInt(wait.Milliseconds()+1, 10))
	return refusal(http.StatusTooManyRequests, "requests", "", "rate_limit_exceeded",
		fmt.Sprintf("Rate limit reached for requests per min (RPM): Limit %d. Please try again in %s.", perMinute, wait.Round(time.Millisecond)))
}

func (s *Server) pace(tenant string, perMinute int) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paces[tenant] == nil {
		s.paces[tenant] = rate.NewLimiter(rate.Limit(float64(perMinute)/60), perMinute)
	}
	return s.paces[tenant]
}

// meteredBody counts what is read, and gives up on a client that is silent.
type meteredBody struct {
	io.ReadCloser
	control *http.ResponseController
	read    int64
}

func (b *meteredBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(bodyIdle)) // not every writer of tests can
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}

// meteredWriter counts what is sent.
type meteredWriter struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (w *meteredWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *meteredWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
