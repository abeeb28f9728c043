package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// RedisTLSHandle is a Redis that speaks nothing but TLS.
type RedisTLSHandle struct {
	RedisHandle
	// Certificate is a file with the server's own certificate (PEM), which
	// nobody knows who is not told of it.
	Certificate string

	socket string
}

// RedisOverTLS starts a server for this test alone. URL is rediss://127.0.0.1:port.
func RedisOverTLS(tb testing.TB) *RedisTLSHandle {
	tb.Helper()
	dir := tempDir(tb)
	certificate, key := selfSigned(tb, dir)
	s, err := startRedisAt(tb.Context(), dir, func(port int) []string {
		return []string{
			"--port", "0", "--tls-port", strconv.Itoa(port), "--tls-auth-clients", "no",
			"--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate,
		}
	})
	if err != nil {
		unavailable(tb, err)
	}
	h := &RedisTLSHandle{RedisHandle{Handle{tb, s.process}, "rediss://" + s.Addr()}, certificate, s.socket}
	tb.Cleanup(h.Stop)
	return h
}

// Ask sends one command as an administrator, past TLS, and gives its answer.
func (h *RedisTLSHandle) Ask(command string) string {
	h.tb.Helper()
	answer, err := redisAsk(h.tb.Context(), h.socket, command)
	h.must(err)
	return answer
}

func selfSigned(tb testing.TB, dir string) (certificate, key string) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a server for tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return certificate, key
}
