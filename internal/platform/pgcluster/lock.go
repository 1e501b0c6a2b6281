package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

const (
	lockShared    = syscall.LOCK_SH
	lockExclusive = syscall.LOCK_EX
)

// fileLock is a flock: the kernel gives it back when the program dies, however it dies. It belongs to the open file, so two
// locks of one program exclude each other too; started servers do not inherit it.
type fileLock struct{ file *os.File }

// tryLock takes the lock if it is free now.
func tryLock(path string, where place, how int) (*fileLock, bool, error) {
	f, err := where.open(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	ok, err := flock(f, how)
	if !ok {
		_ = f.Close()
		return nil, false, err
	}
	return &fileLock{f}, true, nil
}

// waitLock takes the lock as soon as it is free.
func waitLock(ctx context.Context, path string, where place, how int) (*fileLock, error) {
	for {
		lock, ok, err := tryLock(path, where, how)
		if err != nil || ok {
			return lock, err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return nil, fmt.Errorf("another program keeps %s locked: %w", path, err)
		}
	}
}

// upgrade turns a shared lock into the exclusive one and tells whether nobody else holds it. Of several that try at once
// exactly one succeeds; the others hold nothing any more.
func (l *fileLock) upgrade() (bool, error) { return flock(l.file, lockExclusive) }

// release gives the lock back.
func (l *fileLock) release() { _ = l.file.Close() }

func flock(f *os.File, how int) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		default:
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}
