package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/credentials"
)

func TestEachHandshakeReadsTheFiles(t *testing.T) {
	loads, gone := 0, errors.New("gone")
	fresh := &freshTLS{credentials.NewTLS(&tls.Config{}), func() (*tls.Config, error) {
		loads++
		return nil, gone
	}}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	for _, one := range []credentials.TransportCredentials{fresh, fresh.Clone(), fresh} {
		if _, _, err := one.ClientHandshake(t.Context(), "localhost", near); !errors.Is(err, gone) {
			t.Errorf("the handshake says %v", err)
		}
	}
	if loads != 3 {
		t.Errorf("3 handshakes read the files %d times", loads)
	}
}

func TestEachCallReadsTheToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := bearer{path, true}.GetRequestMetadata(context.Background())
		if err != nil || found["authorization"] != "Bearer "+token {
			t.Errorf("%v, %v", found, err)
		}
	}
}
