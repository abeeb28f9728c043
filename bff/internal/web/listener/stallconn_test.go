package listener

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

const testTimeout = 30 * time.Second

// stallPipe is a stallConn and its client, with nothing buffered in between.
func stallPipe(t *testing.T) (*stallConn, net.Conn) {
	server, client := net.Pipe()
	t.Cleanup(func() { server.Close(); client.Close() })
	return &stallConn{tcpConn: tcpConn{server}, timeout: testTimeout}, client
}

func TestWriteFailsWhenTheClientReadsNothing(t *testing.T) {
	for name, before := range map[string]func(*stallConn, net.Conn){
		"from the start": func(*stallConn, net.Conn) {},
		"after an answer, and a long silence": func(c *stallConn, client net.Conn) {
			go io.ReadFull(client, make([]byte, 5))
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
		},
		"half way": func(c *stallConn, client net.Conn) { go io.ReadFull(client, make([]byte, 3)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client := stallPipe(t)
				before(c, client)
				start := time.Now()
				_, err := c.Write([]byte("hello"))
				if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < testTimeout || took > 2*testTimeout {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

func TestWriteWaitsForASlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client := stallPipe(t)
		got := make(chan string)
		go func() {
			all := ""
			for one := make([]byte, 1); len(all) < 20; all += string(one) {
				time.Sleep(testTimeout - 1)
				if _, err := client.Read(one); err != nil {
					t.Error(err)
					break
				}
			}
			got <- all
		}()
		for range 2 {
			if n, err := c.Write([]byte("slow, slow")); n != 10 || err != nil {
				t.Fatal(n, err)
			}
		}
		if all := <-got; all != "slow, slowslow, slow" {
			t.Errorf("%q arrived", all)
		}
	})
}

func TestCallersDeadlineApplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client := stallPipe(t)
		for _, set := range []func(time.Time) error{c.SetWriteDeadline, c.SetDeadline} {
			start := time.Now()
			if err := set(start.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			// During a Write, as at the end of a session.
			time.AfterFunc(time.Second, func() { _ = set(time.Now().Add(time.Second)) })
			if err := set(time.Time{}); err != nil {
				t.Fatal(err)
			}
			start = time.Now()
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			if err := set(time.Time{}); err != nil {
				t.Fatal(err)
			}
			go client.Read(make([]byte, 1))
			if _, err := c.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		}
	})
}
