// Ask the gatekeeper for records with golang.org/x/oauth2/clientcredentials.
//
//	oauth ISSUER CLIENT_ID [-secret SECRET | -cert CERT.pem -key KEY.pem -ca CA.pem] < request.json
//
// With a secret: client_secret_basic. With a certificate: tls_client_auth (RFC 8705). Prints the status on a
// line, then the body.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	log.SetFlags(0)
	issuer, clientID := os.Args[1], os.Args[2]
	options := flag.NewFlagSet("oauth", flag.ExitOnError)
	secret := options.String("secret", "", "the client's secret")
	certificate := options.String("cert", "", "file of the client's certificate")
	key := options.String("key", "", "file of its key")
	authority := options.String("ca", "", "file of the certificate that the server's is checked against")
	options.Parse(os.Args[3:])

	config := clientcredentials.Config{
		ClientID:     clientID,
		ClientSecret: *secret,
		TokenURL:     issuer + "/oauth/token",
		Scopes:       []string{"reads:query"},
		AuthStyle:    oauth2.AuthStyleInHeader,
	}
	ctx := context.Background()
	if *certificate != "" {
		config.AuthStyle = oauth2.AuthStyleInParams // the id alone: what proves it is the certificate
		ctx = context.WithValue(ctx, oauth2.HTTPClient, withCertificate(*certificate, *key, *authority))
	}
	answer, err := config.Client(ctx).Post(issuer+"/v1/queries", "application/json", os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode)
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}

func withCertificate(certificate, key, authority string) *http.Client {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		log.Fatal(err)
	}
	root, err := os.ReadFile(authority)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(root) {
		log.Fatalf("%s holds no certificate", authority)
	}
	secured := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: secured}}
}
