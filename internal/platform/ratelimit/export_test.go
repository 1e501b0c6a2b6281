package ratelimit

// Size is how many addresses are remembered.
func (l *Local) Size() int {
	n := 0
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].due)
		l.shards[i].mu.Unlock()
	}
	return n
}
