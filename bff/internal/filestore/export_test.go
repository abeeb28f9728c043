package filestore

// Kept counts what memory holds, dead or alive.
func (s *Store) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live + len(s.ended)
}

// Tidy is one round of Run.
func (s *Store) Tidy() { s.tidy() }

// Compact replaces the journal, wasteful or not.
func (s *Store) Compact() error {
	s.round.Lock()
	defer s.round.Unlock()
	return s.compact()
}

// OnStep has f called between the steps of compactions to come.
func (s *Store) OnStep(f func(step string)) { s.onStep = f }

// Settle waits until nothing is being tidied.
func (s *Store) Settle() { s.rounds.Wait() }
