package servertest

import (
	"database/sql"
	"testing"
)

// What one node has committed the others have, and they count each other.
func TestGaleraIsOneCluster(t *testing.T) {
	t.Parallel()
	cluster := Galera(t, 3)
	var nodes []*sql.DB
	for _, dsn := range cluster.Database() {
		db, err := sql.Open("mysql", dsn+"?wsrep_sync_wait=1")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		nodes = append(nodes, db)
	}
	if _, err := nodes[0].ExecContext(t.Context(), "CREATE TABLE seen (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for i, db := range nodes {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO seen VALUES (?)", i); err != nil {
			t.Fatal(err)
		}
	}
	for i, db := range nodes {
		var rows int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM seen").Scan(&rows); err != nil || rows != len(nodes) {
			t.Errorf("node %d has %d rows (%v), want %d", i, rows, err, len(nodes))
		}
	}
}
