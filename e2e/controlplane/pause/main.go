// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

// Command pause waits until it is told to end. It is the sandbox process of
// every pod on the test node, and the body of images that only have to run.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	reaped := make(chan os.Signal, 16)
	signal.Notify(reaped, syscall.SIGCHLD)
	for {
		select {
		case <-ended:
			return
		case <-reaped:
			reap()
		}
	}
}

// reap collects every child that ended: process 1 of a pod that shares its
// process namespace inherits orphans.
func reap() {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}
