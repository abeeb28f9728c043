// Package load is the load generator: connections that send their next request
// when they have the whole answer to the last, and the latencies that this gives.
package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Order is an order to the load generator: so many connections, each of which
// sends its next request when it has the whole answer to the last.
type Order struct {
	Addr        string
	Path        string
	Cookies     []string // connection i carries the one at i modulo their number
	Connections int
	WarmUp      time.Duration
	Duration    time.Duration
	Length      int // of every answer's body; each is 200
}

// Sample is what one measurement gave.
type Sample struct {
	Spread
	Asked     int     `json:"asked"` // with the warm-up: what CPU time goes by
	PerSecond float64 `json:"per_second"`
}

// Part reads an order and writes a sample.
func Part(_ []string, in io.Reader, out io.Writer) error {
	var l Order
	if err := json.NewDecoder(in).Decode(&l); err != nil {
		return err
	}
	s, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(s)
}

func (l Order) run() (Sample, error) {
	if l.Connections == 0 || l.Duration <= 0 {
		return Sample{}, errors.New("nothing to do")
	}
	wires, requests := make([]*Conn, l.Connections), make([][]byte, l.Connections)
	for i := range wires {
		cookie := ""
		if len(l.Cookies) > 0 {
			cookie = l.Cookies[i%len(l.Cookies)]
		}
		requests[i] = BrowserRequest("GET", l.Path, cookie, "")
		var err error
		if wires[i], err = Dial(l.Addr); err != nil {
			return Sample{}, err
		}
		defer wires[i].Close()
		if err := l.exchangeOnce(wires[i], requests[i]); err != nil {
			return Sample{}, err
		}
	}
	from := time.Now().Add(l.WarmUp)
	to := from.Add(l.Duration)
	asked, took := make([]int, l.Connections), make([][]time.Duration, l.Connections)
	late := make([]answered, l.Connections)
	err := AtOnce(l.Connections, func(i int) error {
		took[i] = make([]time.Duration, 0, 1<<14)
		for began := time.Now(); began.Before(to); {
			if err := l.exchangeOnce(wires[i], requests[i]); err != nil {
				return err
			}
			asked[i]++
			ended := time.Now()
			// What ends within the window counts, however it began: a slow
			// answer must not get lost at the border.
			switch {
			case ended.After(to):
				late[i] = answered{ended.Sub(began), ended}
			case ended.After(from):
				took[i] = append(took[i], ended.Sub(began))
			}
			began = ended
		}
		return nil
	})
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Spread: SpreadOf(slices.Concat(took...)), Asked: l.Connections}
	for _, n := range asked {
		s.Asked += n
	}
	window := l.Duration
	if s.Count == 0 {
		// Stalled all the time, as happens on a busy machine: what came after it
		// is what there is.
		s.Spread, window = lateOnes(late, from)
	}
	s.PerSecond = float64(s.Count) / window.Seconds()
	return s, nil
}

// answered is one answer, and when it had arrived.
type answered struct {
	took time.Duration
	at   time.Time
}

func lateOnes(late []answered, from time.Time) (s Spread, window time.Duration) {
	var took []time.Duration
	for _, a := range late {
		if a.at.IsZero() {
			continue // had no turn at all until it was over
		}
		took, window = append(took, a.took), max(window, a.at.Sub(from))
	}
	return SpreadOf(took), window
}

func (l Order) exchangeOnce(w *Conn, request []byte) error {
	r, err := w.Exchange(request, nil)
	if err != nil {
		return fmt.Errorf("%s%s: %w", l.Addr, l.Path, err)
	}
	if r.Status != 200 || r.Length != l.Length {
		return fmt.Errorf("%s%s: status %d and %d bytes, want 200 and %d", l.Addr, l.Path, r.Status, r.Length, l.Length)
	}
	return nil
}

const MaxConnections = 64 // connections
