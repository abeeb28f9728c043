package telemetry

import (
	"context"
	"time"
)

// Refreshed counts a presented refresh token.
func (m *Metrics) Refreshed(outcome string) { m.refreshes.WithLabelValues(outcome).Inc() }

// SignedIn counts an attempt to sign in.
func (m *Metrics) SignedIn(outcome string) { m.signIns.WithLabelValues(outcome).Inc() }

// Limited counts what a rate limit decided.
func (m *Metrics) Limited(limit string, allowed bool) {
	decision := "refused"
	if allowed {
		decision = "allowed"
	}
	m.limits.WithLabelValues(limit, decision).Inc()
}

// Revoked notes how long after its end a session is refused here. The clocks
// of two instances may differ a little: what is negative counts as at once.
func (m *Metrics) Revoked(lag time.Duration) { m.revocationLag.Observe(max(0, lag).Seconds()) }

// Settling notes how many changes of accounts wait.
func (m *Metrics) Settling(pending int) { m.settlements.Set(float64(pending)) }

// Mailed counts what became of a notice.
func (m *Metrics) Mailed(outcome string) { m.mails.WithLabelValues(outcome).Inc() }

// Reloaded notes whether what the files say is in force since now.
func (m *Metrics) Reloaded(ok bool) {
	m.reloadOK.Set(truth(ok))
	if ok {
		m.reloadedAt.Set(float64(m.now().UnixMilli()) / 1000)
	}
}

// HashRefused counts a password for which there was no space in the queue.
func (m *Metrics) HashRefused() { m.hashesRefused.Inc() }

// HashBegins is called when a password's turn has come, and what it returns
// when it is over.
func (m *Metrics) HashBegins() (ended func()) {
	start := m.now()
	return func() { m.hashSeconds.Observe(m.now().Sub(start).Seconds()) }
}

// Question is a store's hook: it is called before a question, and what it
// returns after, with the error of a store that did not answer.
type Question = func(ctx context.Context, operation string) (context.Context, func(error))

// Questions gives the hook of a store, with spans when t is not nil.
func (m *Metrics) Questions(store string, t *Traces) Question {
	return func(ctx context.Context, operation string) (context.Context, func(error)) {
		start := m.now()
		ctx, end := t.question(ctx, store, operation)
		return ctx, func(err error) {
			m.storeSeconds.WithLabelValues(store, operation).Observe(m.now().Sub(start).Seconds())
			if err != nil {
				m.storeErrors.WithLabelValues(store, operation).Inc()
			}
			end(err)
		}
	}
}
