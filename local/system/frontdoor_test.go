package system

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// frontDoor is a proxy in front of a test's Temporal server that speaks TLS only,
// wants a certificate of its own authority from clients, and an API key.
type frontDoor struct {
	address string
	ca      authority

	mu   sync.Mutex
	key  string
	used chan struct{} // closed at the first call with the present key
}

func newFrontDoor(t *testing.T, temporal, key string) *frontDoor {
	t.Helper()
	d := &frontDoor{ca: newAuthority(t)}
	d.accept(key)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: temporal})
	proxy.Transport, proxy.FlushInterval = transport, -1
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.admits(r.Header.Get("Authorization")) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "16") // unauthenticated
			w.Header().Set("Grpc-Message", "unknown API key")
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	clients := x509.NewCertPool()
	clients.AddCert(d.ca.certificate)
	certificate, err := tls.X509KeyPair(d.ca.issue(t))
	if err != nil {
		t.Fatal(err)
	}
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections() // polls last a minute
		server.Close()
		transport.CloseIdleConnections()
	})
	d.address = server.Listener.Addr().String()
	return d
}

// accept makes key the only one that is let in.
func (d *frontDoor) accept(key string) (used <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.key, d.used = key, make(chan struct{})
	return d.used
}

func (d *frontDoor) admits(authorization string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if authorization != "Bearer "+d.key {
		return false
	}
	select {
	case <-d.used:
	default:
		close(d.used)
	}
	return true
}

// authority signs certificates for loopback.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

// issue returns a certificate for both ends of a connection, and its key.
func (a authority) issue(t *testing.T) (certificate, key []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// environment writes what a client needs into a folder and returns its
// variables.
func (d *frontDoor) environment(t *testing.T, dir, key string) []string {
	t.Helper()
	certificate, private := d.ca.issue(t)
	for name, text := range map[string][]byte{
		"client.pem": certificate, "client.key": private, "api-key": []byte(key + "\n"),
		"ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.ca.certificate.Raw}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"TEMPORAL_ADDRESS=" + d.address, "TEMPORAL_NAMESPACE=batches", "TEMPORAL_TLS=true",
		"TEMPORAL_TLS_SERVER_CA_CERT_PATH=" + filepath.Join(dir, "ca.pem"),
		"TEMPORAL_TLS_CLIENT_CERT_PATH=" + filepath.Join(dir, "client.pem"),
		"TEMPORAL_TLS_CLIENT_KEY_PATH=" + filepath.Join(dir, "client.key"),
		"TEMPORAL_API_KEY_FILE=" + filepath.Join(dir, "api-key"),
	}
}

// replace puts a new key where the old one is, as a secret store does.
func replace(t *testing.T, path, key string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// soon waits for a channel to be closed.
func soon(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case <-happened:
	case <-ctx.Done():
		t.Fatalf("%s: not within %s", what, patience)
	}
}
