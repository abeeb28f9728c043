package memstore

// Kept counts what memory holds, dead or alive.
func (s *Store) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live + len(s.ended)
}

// Tidy is one round of Run.
func (s *Store) Tidy() { s.tidy() }
