package sqlchecks

import (
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gatehouse-bff/gatehouse/bff/internal/doctor"
)

func TestVersionsOfServers(t *testing.T) {
	for _, c := range []struct {
		version, comment string
		want             doctor.State
		found            string
	}{
		{"10.11.6-MariaDB-0+deb12u1", "Debian 12", doctor.OK, "MariaDB 10.11.6"},
		{"5.5.5-10.6.12-MariaDB-log", "", doctor.OK, "MariaDB 10.6.12"},
		{"11.4.2-MariaDB", "", doctor.OK, "MariaDB 11.4.2"},
		{"10.5.19-MariaDB", "", doctor.Warning, "older"},
		{"8.0.36", "MySQL Community Server - GPL", doctor.OK, "MySQL 8.0.36 (the product's tests run on"},
		{"8.4.3-google", "", doctor.OK, "MySQL 8.4.3"},
		{"5.7.44-log", "", doctor.Warning, "older"},
		{"8.0.11-TiDB-v7.5.0", "TiDB Server", doctor.Warning, "never tried"},
		{"nonsense", "", doctor.Warning, "not known"},
	} {
		if r := judgeVersion(c.version, c.comment); r.State != c.want || !strings.Contains(r.Found, c.found) {
			t.Errorf("%s: %+v", c.version, r)
		}
	}
}

func TestTLSOfTheConnection(t *testing.T) {
	for _, c := range []struct {
		addr, tls, cipher string
		want              doctor.State
	}{
		{"127.0.0.1:3306", "", "", doctor.OK},
		{"[::1]:3306", "", "", doctor.OK},
		{"db.example.com:3306", "", "", doctor.Warning},
		{"db.example.com:3306", "true", "TLS_AES_256_GCM_SHA384", doctor.OK},
		{"db.example.com:3306", "skip-verify", "TLS_AES_256_GCM_SHA384", doctor.Warning},
		{"db.example.com:3306", "preferred", "TLS_AES_256_GCM_SHA384", doctor.Warning},
	} {
		if r := judgeTLS(&mysql.Config{Net: "tcp", Addr: c.addr, TLSConfig: c.tls}, c.cipher, "TLSv1.3"); r.State != c.want {
			t.Errorf("%+v: %+v", c, r)
		}
	}
}

func TestNodesOfGalera(t *testing.T) {
	node := func(size, sync, ready, status string) *variables {
		return &variables{
			global: map[string]string{"wsrep_on": "ON"}, session: map[string]string{"wsrep_on": "ON", "wsrep_sync_wait": sync},
			status: map[string]string{"wsrep_cluster_size": size, "wsrep_ready": ready, "wsrep_cluster_status": status, "wsrep_local_state_comment": "Synced"},
		}
	}
	for _, c := range []struct {
		v    *variables
		want doctor.State
		text string
	}{
		{node("3", "1", "ON", "Primary"), doctor.OK, "3 nodes, Synced"},
		{node("5", "7", "ON", "Primary"), doctor.OK, "5 nodes"},
		{node("3", "0", "ON", "Primary"), doctor.Warning, "wsrep_sync_wait=1"},
		{node("3", "6", "ON", "Primary"), doctor.Warning, "wsrep_sync_wait=1"},
		{node("2", "1", "ON", "Primary"), doctor.Warning, "three nodes"},
		{node("1", "1", "OFF", "non-Primary"), doctor.Problem, "not part of the cluster"},
		{&variables{global: map[string]string{"wsrep_on": "OFF"}}, doctor.OK, "no Galera"},
		{&variables{}, doctor.OK, "no Galera"},
	} {
		if r := judgeCluster(c.v); r.State != c.want || !strings.Contains(r.Found+r.Fix, c.text) {
			t.Errorf("%+v: %+v", c.v, r)
		}
	}
}

func TestConnectionsAreComparedWithTheLimit(t *testing.T) {
	if r := judgeConnections(25, 2, "", 40, "max_user_connections"); r.State != doctor.Problem || !strings.Contains(r.Fix, "MYSQL_MAX_CONNECTIONS to 13") {
		t.Errorf("%+v", r)
	}
	// What the settings would refuse, or what changes nothing, is no fix.
	for _, limit := range []int{1, 5, 11} {
		if r := judgeConnections(25, 2, "", limit, "max_user_connections"); r.State != doctor.Problem || r.Fix != "Raise max_user_connections to 75 or more." {
			t.Errorf("%+v", r)
		}
	}
}

func TestATrailLargerThanMeasured(t *testing.T) {
	now := time.Now()
	if r := judgeTrail("", measuredTrail+1, now.Add(-time.Hour), now, 0); r.State != doctor.Warning || !strings.Contains(r.Fix, "AUDIT_RETENTION") {
		t.Errorf("a large one: %+v", r)
	}
}
