// Every operation is ended at every step, by cancellation and by closing or destroying its owners:
// it completes once and promptly, as cancelled or with its result, and leaves no work behind.
//
// Each is run twice: held, where the peer never responds and the operation must end as cancelled;
// and with a peer that responds at once.
//
// COAUTH_SCAN_STEP=1 visits every step; by default each run visits some of them, from a random
// start. COAUTH_SEED=n repeats an earlier run, which printed its seed.

#include "cancellation_run.hpp"
#include "client_authentication.hpp"
#include "random_seed.hpp"
#include "scripted_proxy.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <iostream>
#include <map>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(cancellation_scan)

namespace
{

constexpr auto promptly = 50ms;

struct termination
{
    char const* name;
    std::function<void(cancellation_run&)> act;
    // The owner whose operations it ends.
    owner of = owner::none;
    bool completes = true;
    bool cancels = false;
};

std::vector<termination> all_terminations()
{
    auto const cancel = [](asio::cancellation_type type)
    { return [type](cancellation_run& run) { run.signal.emit(type); }; };
    return {
        {.name = "terminal cancellation",
         .act = cancel(asio::cancellation_type::terminal),
         .cancels = true},
        {.name = "partial cancellation",
         .act = cancel(asio::cancellation_type::partial),
         .cancels = true},
        {.name = "total cancellation",
         .act = cancel(asio::cancellation_type::total),
         .cancels = true},
        {.name = "closing the client",
         .act = [](cancellation_run& run) { run.client->close(); },
         .of = owner::client},
        {.name = "destroying the client",
         .act = [](cancellation_run& run) { run.client.reset(); },
         .of = owner::client},
        {.name = "closing the source",
         .act = [](cancellation_run& run) { run.source->close(); },
         .of = owner::source},
        {.name = "destroying the source",
         .act = [](cancellation_run& run) { run.source.reset(); },
         .of = owner::source},
        {.name = "destroying the context",
         .act = [](cancellation_run& run) { run.context.reset(); },
         .completes = false},
        {.name = "destroying the context after the client",
         .act =
             [](cancellation_run& run)
         {
             run.client.reset();
             run.context.reset();
         },
         .completes = false},
    };
}

// The operations of a source end with its client too.
bool ends(termination const& end, operation const& what)
{
    return end.of <= what.of;
}

class scan
{
public:
    explicit scan(server_options const& settings = options()) : server_(start(settings)) {}

    void visit(std::vector<operation> const& all)
    {
        for (auto const& what : all)
            visit(what);
    }

    void visit(operation const& what)
    {
        for (bool const held : {true, false})
            for (auto const& end : all_terminations())
            {
                if (!ends(end, what) || (what.held_only && !held))
                    continue;
                bool last = false;
                for (auto step = what.first_step + first_++ % stride_; !last; step += stride_)
                    BOOST_TEST_CONTEXT(
                        what.name << (held ? ", held, " : ", ") << end.name << " at step " << step)
                last = visit(what, end, held, step);
            }
    }

    authorization_server& server() { return server_; }
    // Changes the configuration of the clients, before operation::configure.
    std::function<void(cancellation_run&)> configure = [](cancellation_run&) {};

    ~scan()
    {
        std::cout << runs_ << " runs:";
        for (auto const& [outcome, count] : outcomes_)
            std::cout << ' ' << outcome << ' ' << count;
        std::cout << std::endl;
    }
    scan(scan const&) = delete;
    scan& operator=(scan const&) = delete;

private:
    struct run_result
    {
        std::chrono::milliseconds elapsed{0};
        // The operation has no further step.
        bool last = false;
    };

    bool visit(operation const& what, termination const& end, bool held, std::size_t step)
    {
        ++runs_;
        auto outcome = run_once(what, end, held, step);
        // The machine may have been busy.
        for (int again = 0; outcome.elapsed > promptly && again < 3; ++again)
            outcome = run_once(what, end, held, step);
        BOOST_TEST((outcome.elapsed <= promptly));
        return outcome.last;
    }

    run_result run_once(operation const& what, termination const& end, bool held, std::size_t step)
    {
        cancellation_run run(held);
        run.config = server_.config();
        run.config.timeout = 30s;
        run.config.connections.max_connections = 1;
        configure(run);
        what.configure(run);
        run.client.emplace(run.context->get_executor(), run.config);
        server_.clear_responses();
        what.prepare(run);
        if (held)
            server_.set_response(response::bytes("HTTP/1.1 200 OK\r\n", response_end::stall));
        what.script(server_);
        count_requests();
        what.start(run);
        run.context->restart();
        bool const last = run_steps(run, what, step);
        bool const completed = run.completions != 0;
        auto const started = std::chrono::steady_clock::now();
        end.act(run);
        BOOST_TEST((completed || run.completions == 0 || !end.completes));
        if (run.context)
            finish(run, what, end);
        BOOST_TEST(run.completions == (end.completes || completed ? 1 : 0));
        if (run.completions == 0)
            return {0ms, last};
        ++outcomes_[run.outcome];
        bool const may_succeed = !held || what.background || what.may_succeed;
        BOOST_TEST(
            (run.outcome == "cancelled" || (may_succeed && run.outcome == "success")), run.outcome);
        auto const elapsed =
            std::chrono::duration_cast<std::chrono::milliseconds>(run.completed_at - started);
        return {elapsed, last};
    }

    // Runs this number of handlers. True: there were fewer, since the operation has completed or is
    // held.
    bool run_steps(cancellation_run& run, operation const& what, std::size_t steps)
    {
        stopwatch const watch;
        for (std::size_t i = 0; i < steps;)
        {
            bool const completed = what.background ? run.context->stopped() : run.completions != 0;
            bool const waits = completed || run.context->run_one_for(30ms) == 0;
            if (completed || (waits && run.held && is_waiting(what)))
                return true;
            i += waits ? 0U : 1U;
            BOOST_TEST_REQUIRE(watch.elapsed() < 10s);
        }
        return false;
    }

    bool is_waiting(operation const& what) const
    {
        return !what.waits_for_server || server_.wait_for_requests(requests_ + 1, 0ms);
    }

    void count_requests()
    {
        while (server_.wait_for_requests(requests_ + 1, 0ms))
            ++requests_;
    }

    // Checks that no work is left. After a cancelled wait for a source's token the fetch continues.
    static void finish(cancellation_run& run, operation const& what, termination const& end)
    {
        run.context->restart();
        stopwatch const watch;
        while (run.completions == 0 && watch.elapsed() < 5s)
            run.context->run_one_for(100ms);
        bool const fetch_continues = end.cancels && !what.cancels_fetch;
        if (fetch_continues && run.source)
            run.source->close();
        if (fetch_continues && run.client)
            run.client->close();
        run.context->restart();
        run.context->run_for(5s);
        BOOST_TEST(run.context->stopped(), "work is left");
    }

    authorization_server server_;
    std::size_t const stride_ =
        std::max<std::size_t>(1, static_cast<std::size_t>(from_environment("COAUTH_SCAN_STEP", 4)));
    std::size_t first_ = static_cast<std::size_t>(choose_seed());
    std::size_t requests_ = 0;
    std::size_t runs_ = 0;
    std::map<std::string, std::size_t> outcomes_;
};

// Resolves the host later, or never in a held run.
void use_resolver(cancellation_run& run)
{
    auto const port = run.config.server.token_endpoint.substr(
        run.config.server.token_endpoint.find(':', 8), std::string::npos);
    run.config.server.token_endpoint = "https://localhost" + port;
    run.config.connections.resolver = [&run](std::string const&, std::uint16_t to, auto done)
    {
        run.pending_calls.push_back(std::make_shared<decltype(done)>(done));
        if (!run.held)
            asio::post(*run.context, [done, to] { done({}, {{"127.0.0.1", to}}); });
    };
}

void use_signer(cancellation_run& run, test_key const& key)
{
    auto const sign = [&run, &key](std::string const& input, auto done)
    {
        run.pending_calls.push_back(std::make_shared<decltype(done)>(done));
        if (!run.held)
            asio::post(
                *run.context, [done, signature = key.sign("ES256", input)] { done(signature); });
    };
    run.config.authentication = coauth::client_authentication::private_key_jwt(
        other_id, coauth::signing_key::signer(coauth::signature_algorithm::es256, sign));
}

void get_token(cancellation_run& run)
{
    run.client->async_get_access_token(coauth::token_request(), run.handler());
}

} // namespace

BOOST_AUTO_TEST_CASE(operations_of_a_client_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(operations_of_a_client());
}

BOOST_AUTO_TEST_CASE(operations_of_a_client_without_tls_sessions_end_promptly_at_every_step)
{
    scan runs;
    runs.configure = [](cancellation_run& run)
    {
        run.config.tls.session_resumption = false;
        run.config.connections.idle_timeout = 0ms;
    };
    runs.visit(operations_of_a_client());
}

BOOST_AUTO_TEST_CASE(operations_of_a_token_source_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(operations_of_a_source());
}

BOOST_AUTO_TEST_CASE(one_shot_operations_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(one_shot_operations());
}

BOOST_AUTO_TEST_CASE(awaited_operations_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(awaited_operations());
}

BOOST_AUTO_TEST_CASE(calls_with_a_token_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(calls_with_a_token());
}

BOOST_AUTO_TEST_CASE(operations_waiting_for_a_resolver_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(
        {.name = "a token, of a host by name",
         .of = owner::client,
         .start = get_token,
         .configure = use_resolver,
         .waits_for_server = false});
}

BOOST_AUTO_TEST_CASE(operations_waiting_for_a_signer_end_promptly_at_every_step)
{
    test_key const key("P-256");
    scan runs(options_with_client(key));
    runs.visit(
        {.name = "a token, for a signature",
         .of = owner::client,
         .start = get_token,
         .configure = [&](cancellation_run& run) { use_signer(run, key); },
         .waits_for_server = false});
}

BOOST_AUTO_TEST_CASE(operations_waiting_for_the_servers_keys_end_promptly_at_every_step)
{
    scan runs;
    runs.visit(
        {.name = "introspection, with keys that are fetched",
         .of = owner::client,
         .start = [](cancellation_run& run)
         { run.client->async_introspect(coauth::secret("t"), {}, run.handler()); },
         .configure = [](cancellation_run& run)
         { run.config.signed_introspection.fetch_jwks = true; }});
}

BOOST_AUTO_TEST_CASE(operations_waiting_for_a_proxy_tunnel_end_promptly_at_every_step)
{
    scan runs;
    scripted_proxy const silent{proxy_script()};
    proxy_script open;
    open.response = "HTTP/1.1 200 OK\r\n\r\n";
    open.leads_to = runs.server().port();
    scripted_proxy const tunnelling(open);
    runs.visit(
        {.name = "a token, through a proxy",
         .of = owner::client,
         .start = get_token,
         .configure = [&](cancellation_run& run)
         { run.config.proxy.url = (run.held ? silent : tunnelling).url(); },
         .waits_for_server = false});
}

BOOST_AUTO_TEST_CASE(operations_that_need_a_dpop_nonce_end_promptly_at_every_step)
{
    auto settings = options();
    settings.dpop = coauth::testing::dpop::required;
    settings.dpop_nonce = true;
    scan runs(settings);
    test_key const key("P-256");
    runs.visit(
        {.name = "a token, bound to a key",
         .of = owner::client,
         .start = get_token,
         .configure = [&](cancellation_run& run)
         { run.config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(key)); },
         .script = [](authorization_server& server) { server.rotate_dpop_nonce(); }});
}

BOOST_AUTO_TEST_SUITE_END()
