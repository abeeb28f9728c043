package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// load is an order to the load generator: so many connections, each of which
// sends its next request when it has the whole answer to the last.
type load struct {
	Addr        string
	Path        string
	Cookies     []string // connection i carries the one at i modulo their number
	Connections int
	WarmUp      time.Duration
	Duration    time.Duration
	Length      int // of every answer's body; each is 200
}

// sample is what one measurement gave.
type sample struct {
	spread
	Asked     int     `json:"asked"` // with the warm-up: what CPU time goes by
	PerSecond float64 `json:"per_second"`
}

// loadPart reads an order and writes a sample.
func loadPart(_ []string, in io.Reader, out io.Writer) error {
	var l load
	if err := json.NewDecoder(in).Decode(&l); err != nil {
		return err
	}
	s, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(s)
}

func (l load) run() (sample, error) {
	if l.Connections == 0 || l.Duration <= 0 {
		return sample{}, errors.New("nothing to do")
	}
	wires, requests := make([]*wire, l.Connections), make([][]byte, l.Connections)
	for i := range wires {
		cookie := ""
		if len(l.Cookies) > 0 {
			cookie = l.Cookies[i%len(l.Cookies)]
		}
		requests[i] = browserRequest("GET", l.Path, cookie, "")
		var err error
		if wires[i], err = dial(l.Addr); err != nil {
			return sample{}, err
		}
		defer wires[i].Close()
		if err := l.once(wires[i], requests[i]); err != nil {
			return sample{}, err
		}
	}
	from := time.Now().Add(l.WarmUp)
	to := from.Add(l.Duration)
	asked, took := make([]int, l.Connections), make([][]time.Duration, l.Connections)
	late := make([]answered, l.Connections)
	err := atOnce(l.Connections, func(i int) error {
		took[i] = make([]time.Duration, 0, 1<<14)
		for began := time.Now(); began.Before(to); {
			if err := l.once(wires[i], requests[i]); err != nil {
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
		return sample{}, err
	}
	s := sample{spread: spreadOf(slices.Concat(took...)), Asked: l.Connections}
	for _, n := range asked {
		s.Asked += n
	}
	window := l.Duration
	if s.Count == 0 {
		// Stalled all the time, as happens on a busy machine: what came after it
		// is what there is.
		s.spread, window = lateOnes(late, from)
	}
	s.PerSecond = float64(s.Count) / window.Seconds()
	return s, nil
}

// answered is one answer, and when it had arrived.
type answered struct {
	took time.Duration
	at   time.Time
}

func lateOnes(late []answered, from time.Time) (s spread, window time.Duration) {
	var took []time.Duration
	for _, a := range late {
		if a.at.IsZero() {
			continue // had no turn at all until it was over
		}
		took, window = append(took, a.took), max(window, a.at.Sub(from))
	}
	return spreadOf(took), window
}

func (l load) once(w *wire, request []byte) error {
	r, err := w.ask(request, nil)
	if err != nil {
		return fmt.Errorf("%s%s: %w", l.Addr, l.Path, err)
	}
	if r.status != 200 || r.length != l.Length {
		return fmt.Errorf("%s%s: status %d and %d bytes, want 200 and %d", l.Addr, l.Path, r.status, r.length, l.Length)
	}
	return nil
}
