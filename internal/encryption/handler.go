package encryption

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
)

// maxBody bounds what is opened at once: a page of history, in bytes.
const maxBody = 64 << 20

// HandlerOptions says who may have payloads opened.
type HandlerOptions struct {
	// Origins are those of the Web UI's pages, such as http://127.0.0.1:8233: no
	// other page may call from a browser.
	Origins []string
	// Token returns what callers must send as bearer token; nil lets everybody in.
	Token func() (string, error)
}

// Handler is the codec endpoint of Temporal's Web UI and CLI: POST /decode opens
// payloads, and POST /encode seals them.
func Handler(source Source, o HandlerOptions) http.Handler {
	codec := converter.NewPayloadCodecHTTPHandler(Codec{source})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			if !slices.Contains(o.Origins, origin) {
				http.Error(w, "pages of this origin may not read what is encrypted; see --origin", http.StatusForbidden)
				return
			}
			allow(w.Header(), origin)
		}
		if r.Method == http.MethodOptions { // a browser asks before it sends; it does so without a token
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if o.Token != nil && !bears(r, o.Token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the bearer token is missing or wrong", http.StatusUnauthorized)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		codec.ServeHTTP(w, r)
	})
}

// allow is what the Web UI sends: its content type, the namespace, a token.
func allow(header http.Header, origin string) {
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "Authorization, Authorization-Extras, Content-Type, X-Namespace")
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Max-Age", "600")
}

func bears(r *http.Request, token func() (string, error)) bool {
	want, err := token()
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if err != nil || !ok || want == "" {
		return false
	}
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(got)) // of one length, whatever was sent
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
