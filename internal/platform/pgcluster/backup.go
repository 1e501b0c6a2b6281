package pgcluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rooftop-crm/rooftop/internal/platform/archive"
)

// Exists tells whether there is a cluster in the folder. It makes nothing.
func Exists(cfg Config) (bool, error) {
	if err := cfg.Validate(); err != nil {
		return false, err
	}
	home := cfg.DataDir
	raw, err := os.ReadFile(filepath.Join(home, "location"))
	if err == nil {
		home = strings.TrimSpace(string(raw))
	} else if !errors.Is(err, os.ErrNotExist) {
		return false, place{home: home}.explain(err)
	}
	return place{home: home}.initialised(), nil
}

// BaseBackup calls each with every file and folder of the cluster while the server works on. Put into an empty folder they
// are a cluster that, once started, is as this one was at the end of BaseBackup: the WAL that is needed for that comes last.
// Content is to be read within the call; it is nil for a folder. The superuser's password is not in it.
//
// It speaks the protocol that replicas use to begin, so that nothing but the server itself is needed. The server checks the
// checksum of every page that it reads, and BaseBackup fails when one is wrong.
func (c *Cluster) BaseBackup(ctx context.Context, each func(m archive.Member, content io.Reader) error) error {
	if err := c.baseBackup(ctx, each); err != nil {
		return fmt.Errorf("back up private Postgres in %s: %w", c.place.home, err)
	}
	return nil
}

func (c *Cluster) baseBackup(ctx context.Context, each func(m archive.Member, content io.Reader) error) error {
	cfg, err := pgconn.ParseConfig(c.URL("postgres"))
	if err != nil {
		return err
	}
	cfg.RuntimeParams["replication"] = "true"
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return whyNoBackup(err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the connection is only thrown away
	// The slot keeps the WAL of the backup, however long that takes, and goes with the connection.
	slot := `CREATE_REPLICATION_SLOT "rooftop_backup_` + freshName() + `" TEMPORARY PHYSICAL RESERVE_WAL`
	if _, err := conn.Exec(ctx, slot).ReadAll(); err != nil {
		return whyNoBackup(err)
	}
	s := &backupStream{ctx: ctx, conn: conn}
	if err := s.begin(); err != nil {
		return whyNoBackup(err)
	}
	files := tar.NewReader(s)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return s.finish()
		}
		if err != nil {
			return err
		}
		m := archive.Member{Name: path.Clean(h.Name), Size: h.Size, At: h.ModTime}
		switch h.Typeflag {
		case tar.TypeReg:
			err = each(m, files)
		case tar.TypeDir:
			m.Dir, m.Size = true, 0
			err = each(m, nil)
		default:
			err = fmt.Errorf("%s is neither file nor folder: a private cluster has no links", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

// whyNoBackup says what to do where the server was told to serve no replica.
func whyNoBackup(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "53300" || pgErr.Code == "55000" || pgErr.Code == "53400") {
		return fmt.Errorf("%w: take wal_level, max_wal_senders and max_replication_slots back to what Postgres comes with "+
			"(ALTER SYSTEM RESET …) and restart", err)
	}
	return err
}

// backupStream reads the one tar that a server without tablespaces sends.
type backupStream struct {
	ctx  context.Context //nolint:containedctx // of the one call that it lives in
	conn *pgconn.PgConn
	rest []byte // of the last message, valid until the next
	over bool   // the server has sent all
}

// begin asks for the backup and reads up to its first byte.
func (s *backupStream) begin() error {
	s.conn.Frontend().SendQuery(&pgproto3.Query{String: `BASE_BACKUP (LABEL 'rooftop', CHECKPOINT 'fast', WAL, WAIT 0)`})
	if err := s.conn.Frontend().Flush(); err != nil {
		return err
	}
	for {
		msg, err := s.receive()
		if err != nil {
			return err
		}
		if _, ok := msg.(*pgproto3.CopyOutResponse); ok {
			return nil // where the WAL begins, and the tablespaces, came before
		}
	}
}

// Read implements io.Reader.
func (s *backupStream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.over {
			return 0, io.EOF
		}
		msg, err := s.receive()
		if err != nil {
			return 0, err
		}
		switch msg := msg.(type) {
		case *pgproto3.CopyDone:
			s.over = true
		case *pgproto3.CopyData:
			if err := s.take(msg.Data); err != nil {
				return 0, err
			}
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// take reads one message of the copy: the beginning of an archive, a piece of it, or how far the server is.
func (s *backupStream) take(data []byte) error {
	if len(data) == 0 {
		return errors.New("the server sent an empty message")
	}
	switch data[0] {
	case 'n':
		if name, _, _ := bytes.Cut(data[1:], []byte{0}); string(name) != "base.tar" {
			return errors.New("the cluster has tablespaces, which lie elsewhere: back it up with pg_basebackup")
		}
	case 'd':
		s.rest = data[1:]
	}
	return nil
}

// finish reads what comes behind the tar. That is where the server says that a page was damaged.
func (s *backupStream) finish() error {
	for {
		msg, err := s.receive()
		if err != nil {
			return err
		}
		if _, ok := msg.(*pgproto3.ReadyForQuery); ok {
			return nil
		}
	}
}

func (s *backupStream) receive() (pgproto3.BackendMessage, error) {
	msg, err := s.conn.ReceiveMessage(s.ctx)
	if err != nil {
		return nil, err
	}
	if failed, ok := msg.(*pgproto3.ErrorResponse); ok {
		return nil, pgconn.ErrorResponseToPgError(failed)
	}
	return msg, nil
}
