// Every operation is ended at every step of its life, in every way there is: it completes once, at
// once, as cancelled or with the result that it had, and leaves nothing behind in the event loop.
//
// Each is visited twice: where what it waits for never comes, and must then end as cancelled; and
// where all comes at once.
//
// COAUTH_SCAN_STEP=1 visits every step; by default each run of this visits some, from a random
// start. COAUTH_SEED=n begins where an earlier run began, which printed it.

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

namespace
{

constexpr auto promptly = 50ms;

struct ending_of_it
{
    char const* name;
    std::function<void(world&)> act;
    // Whose operations end with it.
    owner of = owner::nobody;
    bool completes = true;
    bool cancels = false;
};

std::vector<ending_of_it> endings()
{
    auto const cancel = [](asio::cancellation_type type)
    { return [type](world& in) { in.signal.emit(type); }; };
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
         .act = [](world& in) { in.client->close(); },
         .of = owner::client},
        {.name = "destroying the client",
         .act = [](world& in) { in.client.reset(); },
         .of = owner::client},
        {.name = "closing the source",
         .act = [](world& in) { in.source->close(); },
         .of = owner::source},
        {.name = "destroying the source",
         .act = [](world& in) { in.source.reset(); },
         .of = owner::source},
        {.name = "destroying the context",
         .act = [](world& in) { in.context.reset(); },
         .completes = false},
        {.name = "destroying the context after the client",
         .act =
             [](world& in)
         {
             in.client.reset();
             in.context.reset();
         },
         .completes = false},
    };
}

// A source's operations end with its client too.
bool ends(ending_of_it const& end, operation const& what)
{
    return end.of <= what.of;
}

class scan
{
public:
    explicit scan(server_options const& chosen = options()) : server_(start(chosen)) {}

    void visit(std::vector<operation> const& all)
    {
        for (auto const& what : all)
            visit(what);
    }

    void visit(operation const& what)
    {
        for (bool const held : {true, false})
            for (auto const& end : endings())
            {
                if (!ends(end, what) || (what.only_held && !held))
                    continue;
                bool last = false;
                for (auto step = what.first_step + first_++ % stride_; !last; step += stride_)
                    BOOST_TEST_CONTEXT(
                        what.name << (held ? ", held, " : ", ") << end.name << " at step " << step)
                last = visit(what, end, held, step);
            }
    }

    authorization_server& server() { return server_; }
    // Changes the configuration of the clients, before the operation does.
    std::function<void(world&)> configure = [](world&) {};

    ~scan()
    {
        std::cout << runs_ << " runs:";
        for (auto const& [how, count] : outcomes_)
            std::cout << ' ' << how << ' ' << count;
        std::cout << std::endl;
    }
    scan(scan const&) = delete;
    scan& operator=(scan const&) = delete;

private:
    struct seen
    {
        std::chrono::milliseconds took{0};
        // It came no further by itself.
        bool last = false;
    };

    bool visit(operation const& what, ending_of_it const& end, bool held, std::size_t step)
    {
        ++runs_;
        auto outcome = run(what, end, held, step);
        // Another program may have had the processor.
        for (int again = 0; outcome.took > promptly && again < 3; ++again)
            outcome = run(what, end, held, step);
        BOOST_TEST((outcome.took <= promptly));
        return outcome.last;
    }

    seen run(operation const& what, ending_of_it const& end, bool held, std::size_t step)
    {
        world in(held);
        in.config = server_.config();
        in.config.timeout = 30s;
        in.config.connections.max_connections = 1;
        configure(in);
        what.configure(in);
        in.client.emplace(in.context->get_executor(), in.config);
        server_.clear_responses();
        what.prepare(in);
        if (held)
            server_.set_response(response::bytes("HTTP/1.1 200 OK\r\n", response_end::stall));
        what.script(server_);
        note_requests();
        what.start(in);
        in.context->restart();
        bool const last = go_on(in, what, step);
        bool const over = in.ended != 0;
        auto const began = std::chrono::steady_clock::now();
        end.act(in);
        BOOST_TEST((over || in.ended == 0 || !end.completes));
        if (in.context)
            finish(in, what, end);
        BOOST_TEST(in.ended == (end.completes || over ? 1 : 0));
        if (in.ended == 0)
            return {0ms, last};
        ++outcomes_[in.how];
        bool const may_succeed = !held || what.background || what.may_succeed;
        BOOST_TEST((in.how == "cancelled" || (may_succeed && in.how == "success")), in.how);
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(in.when - began);
        return {took, last};
    }

    // So many handlers. True: there were not so many, since it is over, or waits for what does not
    // come.
    bool go_on(world& in, operation const& what, std::size_t steps)
    {
        stopwatch const watch;
        for (std::size_t i = 0; i < steps;)
        {
            bool const over = what.background ? in.context->stopped() : in.ended != 0;
            bool const waits = over || in.context->run_one_for(30ms) == 0;
            if (over || (waits && in.held && is_held(what)))
                return true;
            i += waits ? 0U : 1U;
            BOOST_TEST_REQUIRE(watch.elapsed() < 10s);
        }
        return false;
    }

    bool is_held(operation const& what) const
    {
        return !what.of_server || server_.wait_for_requests(known_ + 1, 0ms);
    }

    void note_requests()
    {
        while (server_.wait_for_requests(known_ + 1, 0ms))
            ++known_;
    }

    // Nothing of it is left. A cancelled wait for a source's token is not all: its fetch goes on.
    static void finish(world& in, operation const& what, ending_of_it const& end)
    {
        in.context->restart();
        stopwatch const watch;
        while (in.ended == 0 && watch.elapsed() < 5s)
            in.context->run_one_for(100ms);
        bool const others_go_on = end.cancels && !what.leaves_nothing;
        if (others_go_on && in.source)
            in.source->close();
        if (others_go_on && in.client)
            in.client->close();
        in.context->restart();
        in.context->run_for(5s);
        BOOST_TEST(in.context->stopped(), "something is left");
    }

    authorization_server server_;
    std::size_t const stride_ =
        std::max<std::size_t>(1, static_cast<std::size_t>(from_environment("COAUTH_SCAN_STEP", 4)));
    std::size_t first_ = static_cast<std::size_t>(choose_seed());
    std::size_t known_ = 0;
    std::size_t runs_ = 0;
    std::map<std::string, std::size_t> outcomes_;
};

// Says where the host is, later, or where it is held never.
void ask_resolver(world& in)
{
    auto const port = in.config.server.token_endpoint.substr(
        in.config.server.token_endpoint.find(':', 8), std::string::npos);
    in.config.server.token_endpoint = "https://localhost" + port;
    in.config.connections.resolver = [&in](std::string const&, std::uint16_t to, auto done)
    {
        in.asked.push_back(std::make_shared<decltype(done)>(done));
        if (!in.held)
            asio::post(*in.context, [done, to] { done({}, {{"127.0.0.1", to}}); });
    };
}

void ask_signer(world& in, test_key const& key)
{
    auto const sign = [&in, &key](std::string const& input, auto done)
    {
        in.asked.push_back(std::make_shared<decltype(done)>(done));
        if (!in.held)
            asio::post(
                *in.context, [done, signature = key.sign("ES256", input)] { done(signature); });
    };
    in.config.authentication = coauth::client_authentication::private_key_jwt(
        other_id, coauth::signing_key::signer(coauth::signature_algorithm::es256, sign));
}

void get_token(world& in)
{
    in.client->async_get_access_token(coauth::token_request(), in.handler());
}

} // namespace

BOOST_AUTO_TEST_SUITE(cancellation_scan)

BOOST_AUTO_TEST_CASE(of_a_client)
{
    scan one;
    one.visit(operations_of_a_client());
}

BOOST_AUTO_TEST_CASE(of_a_client_without_tls_sessions)
{
    scan one;
    one.configure = [](world& in)
    {
        in.config.tls.session_resumption = false;
        in.config.connections.idle_timeout = 0ms;
    };
    one.visit(operations_of_a_client());
}

BOOST_AUTO_TEST_CASE(of_a_source)
{
    scan one;
    one.visit(operations_of_a_source());
}

BOOST_AUTO_TEST_CASE(of_nobody)
{
    scan one;
    one.visit(operations_of_nobody());
}

BOOST_AUTO_TEST_CASE(in_coroutines)
{
    scan one;
    one.visit(awaited_operations());
}

BOOST_AUTO_TEST_CASE(of_calls_with_a_token)
{
    scan one;
    one.visit(calls_with_a_token());
}

BOOST_AUTO_TEST_CASE(that_wait_for_a_name)
{
    scan one;
    one.visit(
        {.name = "a token, of a host by name",
         .of = owner::client,
         .start = get_token,
         .configure = ask_resolver,
         .of_server = false});
}

BOOST_AUTO_TEST_CASE(that_wait_for_a_signer)
{
    test_key const key("P-256");
    scan one(knowing(key));
    one.visit(
        {.name = "a token, for a signature",
         .of = owner::client,
         .start = get_token,
         .configure = [&](world& in) { ask_signer(in, key); },
         .of_server = false});
}

BOOST_AUTO_TEST_CASE(that_wait_for_a_tunnel)
{
    scan one;
    scripted_proxy const silent{proxy_script()};
    proxy_script open;
    open.response = "HTTP/1.1 200 OK\r\n\r\n";
    open.leads_to = one.server().port();
    scripted_proxy const willing(open);
    one.visit(
        {.name = "a token, through a proxy",
         .of = owner::client,
         .start = get_token,
         .configure = [&](world& in) { in.config.proxy.url = (in.held ? silent : willing).url(); },
         .of_server = false});
}

BOOST_AUTO_TEST_CASE(that_need_a_nonce)
{
    auto chosen = options();
    chosen.dpop = coauth::testing::dpop::required;
    chosen.dpop_nonce = true;
    scan one(chosen);
    test_key const key("P-256");
    one.visit(
        {.name = "a token, bound to a key",
         .of = owner::client,
         .start = get_token,
         .configure = [&](world& in)
         { in.config.dpop = std::make_shared<coauth::dpop_prover>(signing_key_of(key)); },
         .script = [](authorization_server& server) { server.rotate_dpop_nonce(); }});
}

BOOST_AUTO_TEST_SUITE_END()
