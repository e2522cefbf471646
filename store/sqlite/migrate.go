package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/takebackhq/takeback/store"
)

// migrations are applied in the order of their names; the n-th one brings the
// schema to version n. A released one never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migrate creates this package's tables, all named takeback_…, or brings them
// up to date, and switches the database to write-ahead logging. It only adds,
// and does nothing when everything is there. Several processes may call it at
// once: the first to get the write lock does the work. It refuses a schema that
// is newer than this version of the library knows.
func Migrate(ctx context.Context, db *sql.DB) error {
	if db == nil {
		return errNoDB
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return opError(ctx, "migrate", err)
	}
	defer conn.Close()
	return opError(ctx, "migrate", migrate(ctx, conn))
}

func migrate(ctx context.Context, conn *sql.Conn) error {
	if err := waiting(ctx, conn, func() error { return useWAL(ctx, conn) }); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	return immediately(ctx, conn, func() error {
		if _, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS takeback_schema (version INTEGER NOT NULL PRIMARY KEY) STRICT"); err != nil {
			return err
		}
		version, err := schemaVersion(ctx, conn)
		if err != nil {
			return err
		}
		if version > len(files) {
			return newerSchema(version, len(files))
		}
		for i, file := range files[version:] {
			text, err := migrations.ReadFile(file)
			if err != nil {
				return err
			}
			if _, err := conn.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if _, err := conn.ExecContext(ctx, "INSERT INTO takeback_schema (version) VALUES (?)", version+i+1); err != nil {
				return err
			}
		}
		return nil
	})
}

// useWAL switches to write-ahead logging. The switch is kept in the file.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	mode, err := pragma[string](ctx, conn, "journal_mode")
	if err != nil || mode == "wal" {
		return err
	}
	if mode, err = pragma[string](ctx, conn, "journal_mode = wal"); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode stays %q: want \"wal\", which needs a database file on a local disk, not one in memory", mode)
	}
	return nil
}

// checkSchema refuses a database whose schema is not the one that this version
// of the library works with.
func checkSchema(ctx context.Context, q querier) error {
	var there int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'takeback_schema'").Scan(&there); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version := 0
	if there > 0 {
		if version, err = schemaVersion(ctx, q); err != nil {
			return err
		}
	}
	switch {
	case version > len(files):
		return newerSchema(version, len(files))
	case version < len(files):
		return fmt.Errorf("schema version is %d, want %d: call sqlite.Migrate first", version, len(files))
	}
	return nil
}

func schemaVersion(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM takeback_schema").Scan(&version)
	return version, err
}

func newerSchema(version, known int) error {
	return fmt.Errorf("schema version is %d and this version of the library knows %d: %w; upgrade this process", version, known, store.ErrNewer)
}

// checkNotNewer refuses a database that was migrated since the store was opened.
func checkNotNewer(ctx context.Context, q querier) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, q)
	if err != nil || version <= len(files) {
		return err
	}
	return newerSchema(version, len(files))
}
