// Exports metrics of a client, its token source and the store of its fleet to Prometheus. An
// observer counts events as they happen. Status and counters are read when Prometheus collects the
// metrics.
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs

#include <coauth/client.hpp>
#include <coauth/shared_tokens.hpp>
#include <coauth/testing/memory_token_store.hpp>
#include <coauth/token_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace asio = boost::asio;

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    if (char const* const url = std::getenv("COAUTH_TOKEN_ENDPOINT"))
        config.server.token_endpoint = url;
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("COAUTH_CLIENT_ID"), std::getenv("COAUTH_CLIENT_SECRET"));
    if (char const* const file = std::getenv("COAUTH_CA_FILE"))
        config.tls.ca_file = file;
    return config;
}

template <class Duration>
double seconds(Duration duration)
{
    return std::chrono::duration<double>(duration).count();
}

// Called from the threads of the client. Prometheus's metrics are thread-safe.
class metrics : public coauth::observer
{
public:
    explicit metrics(prometheus::Registry& registry)
        : durations_(prometheus::BuildHistogram()
                         .Name("oauth_token_request_duration_seconds")
                         .Help("Time from the call to the token")
                         .Register(registry)
                         .Add(
                             {},
                             prometheus::Histogram::BucketBoundaries{
                                 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}))
        , failures_(prometheus::BuildCounter()
                        .Name("oauth_token_attempt_failures_total")
                        .Help("Failed attempts to get a token, by error")
                        .Register(registry))
        , waits_(prometheus::BuildHistogram()
                     .Name("oauth_token_wait_seconds")
                     .Help("Time that callers waited for a token")
                     .Register(registry)
                     .Add(
                         {},
                         prometheus::Histogram::BucketBoundaries{
                             0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}))
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
        durations_.Observe(seconds(event.duration));
    }
    void on_attempt_failed(coauth::attempt_failed const& event) override
    {
        failures_.Add({{"error", std::string(to_string(event.error.value()))}}).Increment();
    }
    void on_token_served(coauth::token_served const& event) override
    {
        if (event.wait)
            waits_.Observe(seconds(*event.wait));
    }
    void on_connection_opened(coauth::connection_opened const& event) override
    {
        (event.resumed ? resumed_ : new_).Increment();
    }

private:
    prometheus::Histogram& durations_;
    prometheus::Family<prometheus::Counter>& failures_;
    prometheus::Histogram& waits_;
    prometheus::Family<prometheus::Counter>& connections_;
    prometheus::Counter& new_;
    prometheus::Counter& resumed_;
};

using family = prometheus::MetricFamily;
using labels = std::vector<prometheus::ClientMetric::Label>;

family make_family(char const* name, char const* help, prometheus::MetricType type)
{
    family result;
    result.name = name;
    result.help = help;
    result.type = type;
    return result;
}

void add(family& metrics, labels names, double value)
{
    prometheus::ClientMetric metric;
    metric.label = std::move(names);
    (metrics.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
        value;
    metrics.metric.push_back(std::move(metric));
}

void add(family& metrics, labels names, std::uint64_t count)
{
    add(metrics, std::move(names), static_cast<double>(count));
}

// Reads the counters and the status of a token source when Prometheus collects them. Calls for
// tokens cost nothing more. An Exposer accepts it in addition to the registry.
class source_metrics : public prometheus::Collectable
{
public:
    explicit source_metrics(coauth::token_source const& tokens) : tokens_(tokens) {}

    std::vector<prometheus::MetricFamily> Collect() const override
    {
        auto const counters = tokens_.counters();
        return {
            calls(counters), started(counters), fetches(counters), invalidated(counters), state()};
    }

private:
    static family calls(coauth::token_source_counters const& counters)
    {
        auto result = make_family(
            "oauth_token_calls_total", "Calls for a token, by their outcome",
            prometheus::MetricType::Counter);
        add(result, {{"outcome", "cached"}}, counters.hits);
        add(result, {{"outcome", "waited"}}, counters.waits);
        add(result, {{"outcome", "failed_at_once"}}, counters.fast_failures);
        return result;
    }
    static family started(coauth::token_source_counters const& counters)
    {
        auto result = make_family(
            "oauth_token_fetches_started_total", "Fetches of a token that started, by reason",
            prometheus::MetricType::Counter);
        for (std::size_t i = 0; i < counters.by_reason.size(); ++i)
        {
            std::string const reason(to_string(static_cast<coauth::fetch_reason>(i)));
            add(result, {{"reason", reason}}, counters.by_reason[i].started);
        }
        return result;
    }
    static family fetches(coauth::token_source_counters const& counters)
    {
        auto result = make_family(
            "oauth_token_fetches_total", "Fetches of a token, by reason and outcome",
            prometheus::MetricType::Counter);
        for (std::size_t i = 0; i < counters.by_reason.size(); ++i)
        {
            std::string const reason(to_string(static_cast<coauth::fetch_reason>(i)));
            auto const& fetches = counters.by_reason[i];
            add(result, {{"reason", reason}, {"outcome", "success"}}, fetches.succeeded);
            add(result, {{"reason", reason}, {"outcome", "failure"}}, fetches.failed);
            add(result, {{"reason", reason}, {"outcome", "abandoned"}}, fetches.abandoned);
        }
        return result;
    }
    static family invalidated(coauth::token_source_counters const& counters)
    {
        auto result = make_family(
            "oauth_tokens_invalidated_total", "Tokens that an API rejected",
            prometheus::MetricType::Counter);
        add(result, {}, counters.invalidated);
        return result;
    }
    // Samples of the current token. Without a token there are none.
    family state() const
    {
        auto result = make_family(
            "oauth_token_seconds", "Age of the token, and time for which it remains usable",
            prometheus::MetricType::Gauge);
        auto const now = std::chrono::system_clock::now();
        auto const status = tokens_.status();
        if (status.obtained_at)
            add(result, {{"kind", "age"}}, seconds(now - *status.obtained_at));
        if (status.usable_until)
            add(result, {{"kind", "remaining"}}, seconds(*status.usable_until - now));
        return result;
    }

    coauth::token_source const& tokens_;
};

// The same for what the processes of a fleet share.
class fleet_metrics : public prometheus::Collectable
{
public:
    explicit fleet_metrics(coauth::shared_tokens const& shared) : shared_(shared) {}

    std::vector<prometheus::MetricFamily> Collect() const override
    {
        auto const counters = shared_.counters();
        return {fetches(counters), claims(counters), operations(counters), durations(counters)};
    }

private:
    static family fetches(coauth::shared_tokens_counters const& counters)
    {
        auto result = make_family(
            "oauth_shared_fetches_total", "What fetches of a shared token found in the store",
            prometheus::MetricType::Counter);
        add(result, {{"found", "token"}}, counters.hits);
        add(result, {{"found", "failure"}}, counters.shared_failures);
        add(result, {{"found", "unusable_record"}}, counters.unusable_records);
        add(result, {{"found", "no_store"}}, counters.bypasses);
        return result;
    }
    static family claims(coauth::shared_tokens_counters const& counters)
    {
        auto result = make_family(
            "oauth_token_claims_total", "Claims to be the one who fetches, by outcome",
            prometheus::MetricType::Counter);
        add(result, {{"outcome", "won"}}, counters.claims_won);
        add(result, {{"outcome", "held"}}, counters.claims_held);
        add(result, {{"outcome", "lost"}}, counters.claims_lost);
        add(result, {{"outcome", "published"}}, counters.published);
        return result;
    }
    static family operations(coauth::shared_tokens_counters const& counters)
    {
        auto result = make_family(
            "oauth_store_operations_total", "Operations of the token store, by outcome",
            prometheus::MetricType::Counter);
        for (std::size_t i = 0; i < counters.operations.size(); ++i)
        {
            std::string const name(to_string(static_cast<coauth::store_operation>(i)));
            auto const& of_one = counters.operations[i];
            add(result, {{"operation", name}, {"outcome", "success"}},
                of_one.ended - of_one.failed);
            add(result, {{"operation", name}, {"outcome", "failure"}}, of_one.failed);
        }
        return result;
    }
    static family durations(coauth::shared_tokens_counters const& counters)
    {
        auto result = make_family(
            "oauth_store_operation_seconds_total", "Time spent in operations of the token store",
            prometheus::MetricType::Counter);
        for (std::size_t i = 0; i < counters.operations.size(); ++i)
        {
            std::string const name(to_string(static_cast<coauth::store_operation>(i)));
            add(result, {{"operation", name}}, seconds(counters.operations[i].duration));
        }
        return result;
    }

    coauth::shared_tokens const& shared_;
};

asio::awaitable<void> work(coauth::client& client, coauth::token_source& tokens)
{
    for (int i = 0; i < 3; ++i)
    {
        auto token = co_await tokens.async_get_access_token();
        if (!token)
            std::cerr << token.error() << '\n';
    }
    // As if an API had rejected the token: the next call waits for a new one. Then force another.
    (void)tokens.invalidate(tokens.try_get());
    auto other = co_await tokens.async_get_access_token();
    auto forced = co_await tokens.async_get_new_access_token();
    if (!other || !forced)
        std::cerr << "no other token\n";
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
                     .Help("Idle connections")
                     .Register(registry)
                     .Add({});
    auto config = config_from_environment();
    config.observer = std::make_shared<metrics>(registry);

    asio::io_context context;
    coauth::client client(context.get_executor(), config);
    // One for this example alone. A fleet has a store that its processes reach.
    auto const store = std::make_shared<coauth::testing::memory_token_store>(context);
    coauth::shared_tokens_options options;
    options.keys = [] { return coauth::secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="); };
    options.store_timeout = std::chrono::seconds(2);
    coauth::shared_tokens const shared(client, store, options);
    coauth::token_source tokens(shared);
    asio::co_spawn(context, work(client, tokens), asio::detached);
    context.run();

    // A server passes them to a prometheus::Exposer and sets the gauges at each collection.
    idle.Set(static_cast<double>(client.counters().idle));
    auto families = registry.Collect();
    auto const of_source = source_metrics(tokens).Collect();
    families.insert(families.end(), of_source.begin(), of_source.end());
    auto const of_fleet = fleet_metrics(shared).Collect();
    families.insert(families.end(), of_fleet.begin(), of_fleet.end());
    std::cout << prometheus::TextSerializer().Serialize(families);
    return std::cout.good() ? EXIT_SUCCESS : EXIT_FAILURE;
}
