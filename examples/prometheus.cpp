// Exports what a client and its token source do to Prometheus: an observer fills metrics as things
// happen, and counters are read when they are asked for.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/client.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace asio = boost::asio;

std::string env(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    config.server.token_endpoint = env("COAUTH_TOKEN_ENDPOINT");
    config.authentication = coauth::client_authentication::client_secret_basic(
        env("COAUTH_CLIENT_ID"), env("COAUTH_CLIENT_SECRET"));
    config.tls.ca_file = env("COAUTH_CA_FILE");
    return config;
}

double seconds(std::chrono::steady_clock::duration span)
{
    return std::chrono::duration<double>(span).count();
}

// Called from the threads of the client; Prometheus's metrics may be used from all of them.
class metrics : public coauth::observer
{
public:
    explicit metrics(prometheus::Registry& registry)
        : durations_(prometheus::BuildHistogram()
                         .Name("oauth_token_request_duration_seconds")
                         .Help("From the call to the token")
                         .Register(registry)
                         .Add(
                             {},
                             prometheus::Histogram::BucketBoundaries{
                                 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}))
        , failures_(prometheus::BuildCounter()
                        .Name("oauth_token_attempt_failures_total")
                        .Help("Attempts that yielded no token, by error")
                        .Register(registry))
        , fetches_(prometheus::BuildCounter()
                       .Name("oauth_token_fetches_total")
                       .Help("Tokens fetched by the token source, by reason and outcome")
                       .Register(registry))
        , usable_(prometheus::BuildGauge()
                      .Name("oauth_token_usable_seconds")
                      .Help("How long the token could be used when it came")
                      .Register(registry)
                      .Add({}))
        , connections_(prometheus::BuildCounter()
                           .Name("oauth_connections_opened_total")
                           .Help("Connections to the authorization server")
                           .Register(registry))
        , new_(connections_.Add({{"tls_session", "new"}}))
        , resumed_(connections_.Add({{"tls_session", "resumed"}}))
    {
    }

    void on_token_received(coauth::token_received const& event) override
    {
        durations_.Observe(seconds(event.took));
    }
    void on_attempt_failed(coauth::attempt_failed const& event) override
    {
        failures_.Add({{"error", std::string(to_string(event.why.value()))}}).Increment();
    }
    void on_fetch_succeeded(coauth::fetch_succeeded const& event) override
    {
        count(event.reason, "success");
        if (event.usable_for)
            usable_.Set(seconds(*event.usable_for));
    }
    void on_fetch_failed(coauth::fetch_failed const& event) override
    {
        count(event.reason, std::string(to_string(event.why.value())));
    }
    void on_connection_opened(coauth::connection_opened const& event) override
    {
        (event.resumed ? resumed_ : new_).Increment();
    }

private:
    void count(coauth::fetch_reason reason, std::string const& outcome)
    {
        fetches_.Add({{"reason", std::string(to_string(reason))}, {"outcome", outcome}})
            .Increment();
    }

    prometheus::Histogram& durations_;
    prometheus::Family<prometheus::Counter>& failures_;
    prometheus::Family<prometheus::Counter>& fetches_;
    prometheus::Gauge& usable_;
    prometheus::Family<prometheus::Counter>& connections_;
    prometheus::Counter& new_;
    prometheus::Counter& resumed_;
};

asio::awaitable<void> work(coauth::client& client, coauth::token_source& tokens)
{
    for (int i = 0; i < 3; ++i)
    {
        auto token = co_await tokens.async_get_access_token();
        if (!token)
            std::cerr << token.error() << '\n';
    }
    auto request = coauth::token_request().scope("unknown");
    auto refused = co_await client.async_get_access_token(request);
    if (!refused)
        std::cerr << refused.error() << '\n';
}

int main()
{
    prometheus::Registry registry;
    auto& idle = prometheus::BuildGauge()
                     .Name("oauth_connections_idle")
                     .Help("Connections that wait to be used again")
                     .Register(registry)
                     .Add({});
    auto& calls = prometheus::BuildGauge()
                      .Name("oauth_token_calls")
                      .Help("Calls for a token so far, by how they were served")
                      .Register(registry);
    auto config = config_from_environment();
    config.observer = std::make_shared<metrics>(registry);

    asio::io_context context;
    coauth::client client(context.get_executor(), config);
    coauth::token_source tokens(client);
    asio::co_spawn(context, work(client, tokens), asio::detached);
    context.run();

    // A server hands the registry to a prometheus::Exposer instead, and sets gauges as it is asked.
    auto const now = tokens.counters();
    idle.Set(static_cast<double>(client.counters().idle));
    calls.Add({{"token", "at_hand"}}).Set(static_cast<double>(now.hits));
    calls.Add({{"token", "waited_for"}}).Set(static_cast<double>(now.waits));
    calls.Add({{"token", "refused"}}).Set(static_cast<double>(now.refusals));
    std::cout << prometheus::TextSerializer().Serialize(registry.Collect());
    return now.waits == 1 && now.hits == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
