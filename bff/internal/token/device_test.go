package token_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/token"
)

func TestDeviceMarkIsForOneAccount(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	mark := i.NewDevice("42")
	if !i.VerifyDevice(mark, "42") {
		t.Fatal("its own account does not know it")
	}
	for _, other := range []string{"43", "4", "422", "", "42 ", "-42"} {
		if i.VerifyDevice(mark, other) {
			t.Errorf("account %q knows the mark of 42", other)
		}
	}
	if again := i.NewDevice("42"); again == mark {
		t.Error("two browsers got one mark")
	} else if !i.VerifyDevice(again, "42") {
		t.Error("a second browser of the account is not known")
	}
	if newIssuer(t, func(c *token.Config) { c.RefreshKeys = [][]byte{[]byte(accessSecret)} }).VerifyDevice(mark, "42") {
		t.Error("an installation with another secret knows it")
	}
}

func TestAlteredDeviceMarksAreNotKnown(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	mark := i.NewDevice("42")
	id, mac, ok := strings.Cut(mark, ".")
	if !ok {
		t.Fatal(mark)
	}
	for n := range mark {
		flipped := mark[:n] + string(mark[n]^1) + mark[n+1:]
		if i.VerifyDevice(flipped, "42") {
			t.Errorf("known with character %d altered", n)
		}
	}
	for _, altered := range []string{
		"", ".", "." + mac, id + ".", id, mac, id + "." + mac + "=", id + "." + mac + "A", id + "." + mac[:len(mac)-1],
		id + ".." + mac, id + ".42." + mac, " " + mark, mark + "\n", strings.ToLower(id) + "." + mac, strings.Repeat("x", 1<<16),
	} {
		if i.VerifyDevice(altered, "42") {
			t.Errorf("known as %.80q", altered)
		}
	}
}

// Moving characters between the mark's id and the account's must not keep
// the MAC: "1" + "23" is not "12" + "3".
func TestDeviceMarkKeepsItsPartsApart(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	id, mac, _ := strings.Cut(i.NewDevice("42"), ".")
	if i.VerifyDevice(id+"4."+mac, "2") {
		t.Error("a digit of the account moved into the mark")
	}
	if i.VerifyDevice(id[:len(id)-1]+"."+mac, id[len(id)-1:]+"42") {
		t.Error("a letter of the mark moved into the account")
	}
}

func TestDeviceMarkSurvivesKeyRotation(t *testing.T) {
	t.Parallel()
	older, newer := []byte(refreshSecret), []byte("the-new-refresh-secret-0123456789-abc")
	with := func(keys ...[]byte) *token.Issuer {
		return newIssuer(t, func(c *token.Config) { c.RefreshKeys = keys })
	}
	before, during, after := with(older), with(newer, older), with(newer)
	mark := before.NewDevice("42")
	if !during.VerifyDevice(mark, "42") {
		t.Error("forgotten while the old key still counts")
	}
	if after.VerifyDevice(mark, "42") {
		t.Error("known after the old key has gone")
	}
	if during.VerifyDevice(mark, "43") {
		t.Error("the old key knows it for another account")
	}
	fresh := during.NewDevice("42")
	if !after.VerifyDevice(fresh, "42") || before.VerifyDevice(fresh, "42") {
		t.Error("the first key does not make the new marks")
	}
}
