package auth_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-bff/gatehouse/bff/internal/auth"
	"github.com/gatehouse-bff/gatehouse/bff/internal/session"
)

// While the database was away, one account's events filled the queue, and those
// of all others were lost from the trail.
func TestOneAccountsEventsPushNoOtherOutOfTheAuditQueue(t *testing.T) {
	h := open(t)
	ada := h.register()
	eve := h.with("eve@example.com", session.RoleUser)
	eventually(t, "the sign-in in the trail", func() bool { return len(h.eventsOf(auth.EventLoginSucceeded)) == 1 })
	h.audit.Fail(errors.New("away"))
	for n := range auth.MaxAuditQueue + 500 {
		h.Record(auth.Event{ID: fmt.Sprint("flood ", n), Type: auth.EventProfileChanged, UserID: eve.Principal.UserID, ActorID: eve.Principal.UserID, At: h.clock.Now()})
	}
	for n := range 100 { // wrong passwords at ada's, and what she does herself
		h.Record(auth.Event{ID: fmt.Sprint("failed ", n), Type: auth.EventLoginFailed, UserID: ada.ID, At: h.clock.Now()})
	}
	h.Record(auth.Event{ID: "ada's", Type: auth.EventLogout, UserID: ada.ID, ActorID: ada.ID, At: h.clock.Now()})
	h.audit.Fail(nil)
	h.stop()
	if n := len(h.eventsOf(auth.EventLogout)); n != 1 {
		t.Errorf("%d of her own events are in the trail, want 1", n)
	}
	if n := len(h.eventsOf(auth.EventLoginFailed)); n != 100 {
		t.Errorf("%d wrong passwords are in the trail, want 100", n)
	}
	if n := len(h.eventsOf(auth.EventProfileChanged)); n < auth.MaxAuditQueue-101 || n > auth.MaxAuditQueue+64 {
		t.Errorf("%d of the flood are in the trail, want what was left of %d", n, auth.MaxAuditQueue)
	}
}
