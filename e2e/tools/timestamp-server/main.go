// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

// Command timestamp-server serves Sigstore's timestamp authority on loopback.
// The released program also opens a metrics port that cannot be chosen, so
// that a second one on a machine ends at once; and it asks time servers.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

// The policy under which Sigstore's authorities issue.
const policy = "1.3.6.1.4.1.57264.2"

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	key := flag.String("key", "", "file of the private key, PEM")
	chain := flag.String("chain", "", "file of the certificates, the signer's first, PEM")
	flag.Parse()

	viper.Set("timestamp-signer", "file")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("file-signer-key-path", *key)
	viper.Set("certificate-chain-path", *chain)
	viper.Set("enforce-intermediate-eku", true)
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	viper.Set("max-request-body-size", 1<<20)

	const patience = 30 * time.Second
	if err := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, patience, patience).Serve(); err != nil {
		log.Fatal(err)
	}
}
