package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// The device cookie tells a browser that has signed in to an account before
// from one that has not. It is not a credential: it only chooses which counter
// of failed sign-ins a request is held to. It is bound to the account and
// authenticated, so that it cannot be planted or invented.

// deviceKeys derives the cookie's keys from the refresh secrets, so that no
// further secret is needed.
func deviceKeys(secrets [][]byte) ([][]byte, error) {
	keys := make([][]byte, 0, len(secrets))
	for _, s := range secrets {
		k, err := hkdf.Key(sha256.New, s, nil, "gatehouse device mark v1", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("token: derive device key: %w", err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

const deviceMACBytes = 16

// NewDevice makes a device cookie for the account.
func (i *Issuer) NewDevice(userID string) string {
	id := rand.Text()
	return id + "." + deviceMAC(i.keys.Load().device[0], id, userID)
}

// VerifyDevice reports whether a device cookie was made by us for the account.
func (i *Issuer) VerifyDevice(mark, userID string) bool {
	id, mac, ok := strings.Cut(mark, ".")
	if !ok || id == "" {
		return false
	}
	for _, key := range i.keys.Load().device {
		if hmac.Equal([]byte(mac), []byte(deviceMAC(key, id, userID))) {
			return true
		}
	}
	return false
}

func deviceMAC(key []byte, id, userID string) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%d.%s.%s", len(id), id, userID)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:deviceMACBytes])
}
