// Go's golang.org/x/oauth2/clientcredentials, with a client of net/http tuned for the load.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const tokenLength = 796

type options struct {
	endpoint, caFile, mode     string
	inFlight, requests, warmup int
	systemTrust                bool
}

func parse() options {
	var opts options
	flag.StringVar(&opts.endpoint, "endpoint", "", "")
	flag.StringVar(&opts.caFile, "ca-file", "", "")
	flag.StringVar(&opts.mode, "mode", "keep-alive", "")
	flag.IntVar(&opts.inFlight, "in-flight", 1, "")
	flag.IntVar(&opts.requests, "requests", 1, "")
	flag.IntVar(&opts.warmup, "warmup", 1, "")
	flag.BoolVar(&opts.systemTrust, "system-trust", false, "")
	flag.Parse()
	return opts
}

func roots(opts options) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if opts.systemTrust {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, err
		}
	}
	pem, err := os.ReadFile(opts.caFile)
	if err == nil && !pool.AppendCertsFromPEM(pem) {
		err = errors.New("no certificate in the CA file")
	}
	return pool, err
}

func httpClient(opts options) (*http.Client, error) {
	pool, err := roots(opts)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: pool}
	if opts.mode == "resumed" {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:     config,
		MaxIdleConns:        opts.inFlight,
		MaxIdleConnsPerHost: opts.inFlight,
		DisableKeepAlives:   opts.mode != "keep-alive",
	}}, nil
}

type fetcher struct {
	config  clientcredentials.Config
	context context.Context
}

func (f *fetcher) fetch() error {
	token, err := f.config.Token(f.context)
	if err != nil {
		return err
	}
	if len(token.AccessToken) != tokenLength || token.TokenType != "Bearer" {
		return errors.New("this is not the server's token")
	}
	return nil
}

// Runs the load; returns how long each request took.
func (f *fetcher) run(inFlight, requests int) ([]time.Duration, error) {
	taken := make([]time.Duration, requests)
	failures := make(chan error, inFlight)
	next := int64(-1)
	var workers sync.WaitGroup
	for i := 0; i < inFlight; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				mine := int(atomic.AddInt64(&next, 1))
				if mine >= requests {
					return
				}
				began := time.Now()
				if err := f.fetch(); err != nil {
					failures <- err
					return
				}
				taken[mine] = time.Since(began)
			}
		}()
	}
	workers.Wait()
	select {
	case err := <-failures:
		return nil, err
	default:
		return taken, nil
	}
}

func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func peakMemory() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kb int
	_, err = fmt.Sscan(after, &kb)
	return kb, err
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func measure() error {
	opts := parse()
	client, err := httpClient(opts)
	if err != nil {
		return err
	}
	f := &fetcher{
		clientcredentials.Config{
			ClientID:     "client",
			ClientSecret: "secret",
			TokenURL:     opts.endpoint,
			AuthStyle:    oauth2.AuthStyleInHeader,
		},
		context.WithValue(context.Background(), oauth2.HTTPClient, client),
	}
	if _, err := f.run(opts.inFlight, opts.warmup); err != nil {
		return err
	}
	used, began := cpu(), time.Now()
	taken, err := f.run(opts.inFlight, opts.requests)
	if err != nil {
		return err
	}
	wall := time.Since(began)
	used = cpu() - used
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	sort.Slice(taken, func(a, b int) bool { return taken[a] < taken[b] })
	fmt.Printf(`{"peer":"go","cpu_us":%.3f,"p50_us":%.1f,"p99_us":%.1f,"per_second":%.1f,`+
		`"allocations":0,"peak_kb":%d}`+"\n",
		microseconds(used)/float64(opts.requests), microseconds(taken[opts.requests*50/100]),
		microseconds(taken[opts.requests*99/100]), float64(opts.requests)/wall.Seconds(), peak)
	return nil
}

func main() {
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
