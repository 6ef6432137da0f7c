// A server that stalls or sends slowly, at every place of an operation: it ends as a timeout, not
// before its deadline and at most 50 ms after it.

#include "deadline_runner.hpp"
#include "fault_proxy.hpp"
#include "full_backlog.hpp"
#include "hanging_lookup.hpp"
#include "scripted_proxy.hpp"
#include "tls_peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(deadlines)

using coauth::testing::connection_fault;

namespace
{

std::string const ok = "HTTP/1.1 200 OK\r\n";
std::string const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

issued_certificate const& certificate()
{
    static issued_certificate const instance;
    return instance;
}

// Calls the function until it fails or the client closes.
void repeat(raw_connection& peer, std::function<bool()> const& what)
{
    while (!peer.peer_closed() && what())
        std::this_thread::sleep_for(send_interval);
}

deadline_case with_raw_server(std::string name, int version, raw_tls_server::script script)
{
    return {
        std::move(name), [version, script = std::move(script)](deadline_runner& runner)
        {
            raw_tls_server const server(
                tls_settings(certificate(), version),
                [&](raw_connection& peer)
                {
                    script(peer);
                    repeat(peer, [] { return true; });
                });
            runner.run(config_for(server, certificate()));
        }};
}

bool write_slowly(raw_connection& peer, std::string const& text, std::size_t piece)
{
    std::size_t sent = 0;
    repeat(
        peer,
        [&]
        {
            auto const next = text.substr(sent, piece);
            sent += next.size();
            return !next.empty() && peer.write(next);
        });
    return sent == text.size();
}

// A response whose parts are sent at once, then slowly, then slowly without end.
deadline_case slow_response(
    std::string name, std::string const& at_once, std::string const& next,
    std::string const& repeated = {}, std::size_t piece = 1)
{
    return with_raw_server(
        std::move(name), 0,
        [=](raw_connection& peer)
        {
            if (!peer.handshake() || !peer.read_request())
                return;
            bool going = peer.write(at_once + next.substr(0, 1)) &&
                         (next.empty() || write_slowly(peer, next.substr(1), piece));
            while (going && !repeated.empty())
                going = write_slowly(peer, repeated, piece);
        });
}

std::vector<deadline_case> response_cases()
{
    std::string const whole = http_response(token_body);
    std::string const header = whole.substr(0, whole.find('{'));
    std::string const interim = "HTTP/1.1 102 Processing\r\n\r\n";
    std::string const gap(100, ' ');
    // The size of the token document, in hexadecimal.
    std::string const data = chunked + "43\r\n";
    std::string const last = data + token_body + "\r\n0\r\n";
    return {
        slow_response("status line", "", ok),
        slow_response("reason", "HTTP/1.1 200 ", gap),
        slow_response("name of a field", ok, "X" + std::string(100, 'y')),
        slow_response("value of a field", ok + "X: ", gap),
        slow_response("value of a field without end", ok + "X: ", "", "y"),
        slow_response("fields without end", ok, "", "X: y\r\n", 6),
        slow_response("end of the header", ok + "Content-Length: 67\r", "", ""),
        slow_response("informational responses without end", "", "", interim, interim.size()),
        slow_response("an informational response", interim, interim + interim),
        slow_response("body with a length", header, token_body),
        slow_response("last byte of the body", whole.substr(0, whole.size() - 1), ""),
        slow_response("body to the end of the connection", ok + "\r\n", token_body),
        slow_response("body without end", ok + "\r\n" + token_body, "", " "),
        slow_response("size of a chunk", chunked, "", "0"),
        slow_response("extension of a chunk", chunked + "5;", "", "x"),
        slow_response("data of a chunk", data, token_body),
        slow_response("chunks without end", chunked, "", "1\r\n \r\n", 6),
        slow_response("end of a chunk", chunked + "1\r\n \r", "", ""),
        slow_response("last chunk", last, "", ""),
        slow_response("trailers without end", last, "", "X: y\r\n", 6),
        slow_response("a trailer", last + "X: ", "", "y"),
    };
}

response response_after_a_minute()
{
    auto delayed = response::json(200, token_body);
    delayed.delay = 60s;
    return delayed;
}

deadline_case through_fault_proxy(std::string name, int version, fault_spec const& what)
{
    return {
        std::move(name), [=](deadline_runner& runner)
        {
            auto settings = options();
            settings.min_tls_version = settings.max_tls_version = version;
            auto const server = start(settings);
            fault_proxy proxy(server.port());
            auto config = server.config();
            config.server.token_endpoint =
                "https://127.0.0.1:" + std::to_string(proxy.open(what).value()) + "/oauth/token";
            runner.run(config);
        }};
}

std::vector<deadline_case> handshake_cases()
{
    std::vector<deadline_case> rows;
    for (int const version : {tls_1_2, tls_1_3})
    {
        auto const add = [&](std::string const& name, fault_spec const& what)
        {
            rows.push_back(through_fault_proxy(
                name + " at " + std::to_string(what.position) + ", TLS " + std::to_string(version),
                version, what));
        };
        for (auto const way : {direction::to_client, direction::to_server})
            for (std::size_t const position : {0U, 3U, 60U, 200U})
            {
                std::string const side = way == direction::to_client ? "server" : "client";
                add("silence of the " + side, {fault::stall, way, position});
                add("trickle of the " + side, {fault::trickle, way, position, send_interval});
            }
        add("half a flight", {fault::stall, direction::to_client, 600});
        add("trickle after half a flight",
            {fault::trickle, direction::to_client, 600, send_interval});
    }
    return rows;
}

deadline_case
with_connection_fault(std::string name, connection_fault fault, std::string const& text)
{
    return {
        std::move(name), [=](deadline_runner& runner)
        {
            auto settings = options();
            settings.connection_fault = fault;
            settings.plain_text = text;
            auto const server = start(settings);
            runner.run(server.config());
        }};
}

deadline_case behind_proxy(std::string name, std::string const& response, std::size_t piece = 0)
{
    return {
        std::move(name), [=](deadline_runner& runner)
        {
            auto const server = start();
            proxy_script script;
            script.response = response;
            script.piece = piece;
            script.pause = send_interval;
            scripted_proxy const proxy(script);
            auto config = server.config();
            config.proxy.url = proxy.url();
            runner.run(config);
        }};
}

// Resolves every name after a delay, on a thread of its own.
class slow_resolver
{
public:
    slow_resolver(std::chrono::milliseconds delay, std::vector<coauth::ip_endpoint> found)
        : delay_(delay)
        , found_(std::move(found))
    {
    }
    ~slow_resolver()
    {
        if (thread_.joinable())
            thread_.join();
    }
    slow_resolver(slow_resolver const&) = delete;
    slow_resolver& operator=(slow_resolver const&) = delete;

    [[nodiscard]] coauth::resolver_function function()
    {
        return [this](auto const&, auto, auto done)
        {
            thread_ = std::thread(
                [this, done = std::move(done)]
                {
                    std::this_thread::sleep_for(delay_);
                    done({}, found_);
                });
        };
    }

private:
    std::chrono::milliseconds delay_;
    std::vector<coauth::ip_endpoint> found_;
    std::thread thread_;
};

std::vector<deadline_case> cases_before_tls()
{
    return {
        {"lookup of the system's that hangs",
         [](deadline_runner& runner)
         {
             auto const server = start();
             auto config = server.config();
             config.server.token_endpoint = server.token_endpoint(hanging_lookup::host);
             hanging_lookup const hang;
             runner.run(config);
         }},
        {"resolver that never responds",
         [](deadline_runner& runner)
         {
             auto const server = start();
             auto config = server.config();
             config.server.token_endpoint = server.token_endpoint("localhost");
             std::function<void()> kept;
             config.connections.resolver = [&](auto const&, auto, auto done)
             { kept = [done = std::move(done)] {}; };
             runner.run(config);
         }},
        {"connection that is not accepted",
         [](deadline_runner& runner)
         {
             full_backlog const backlog;
             auto config = start().config();
             config.server.token_endpoint =
                 "https://127.0.0.1:" + std::to_string(backlog.port()) + "/";
             runner.run(config);
         }},
        behind_proxy("proxy that is silent", ""),
        behind_proxy("proxy with half a response", "HTTP/1.1 200 OK\r\n"),
        behind_proxy(
            "proxy with a slow response", "HTTP/1.1 200 Connection established\r\n\r\n", 1),
        behind_proxy(
            "proxy with slow fields", "HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'y'), 6),
        behind_proxy("proxy with a slow refusal", "HTTP/1.1 407 Authentication\r\nX: y\r\n", 1),
        behind_proxy("proxy whose tunnel is silent", "HTTP/1.1 200 OK\r\n\r\n"),
    };
}

std::vector<deadline_case> cases_after_the_handshake()
{
    using step = bool (*)(raw_connection&);
    auto const forever = [](std::string name, int version, step what)
    {
        return with_raw_server(
            std::move(name), version,
            [what](raw_connection& peer)
            {
                if (peer.handshake() && peer.read_request())
                    repeat(peer, [&] { return what(peer); });
            });
    };
    return {
        forever("tickets for ever", tls_1_3, send_ticket),
        forever("key updates for ever", tls_1_3, update_key),
        forever("requests to renegotiate for ever", tls_1_2, request_renegotiation),
        with_raw_server("a storm of key updates", tls_1_3, flood_of(update_key, true)),
        with_raw_server(
            "a storm of key updates before the request", tls_1_3, flood_of(update_key, false)),
        with_raw_server(
            "a storm of requests to renegotiate", tls_1_2, flood_of(request_renegotiation, true)),
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(the_deadline_holds_before_tls)
{
    check_all(cases_before_tls());
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_during_the_tls_handshake)
{
    check_all(handshake_cases());
    check_all({
        with_connection_fault("silence after accept", connection_fault::silence, ""),
        with_connection_fault(
            "half a record", connection_fault::plain_text,
            std::string("\x16\x03\x03\x00\x7A\x02", 6)),
    });
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_during_tls_messages_after_the_handshake)
{
    check_all(cases_after_the_handshake());
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_in_every_part_of_a_response)
{
    check_all(response_cases());
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_on_a_reused_connection)
{
    check_all({
        {"second response",
         [](deadline_runner& runner)
         {
             auto server = start();
             auto config = server.config();
             config.timeout = deadline;
             // Otherwise a second request on a new connection would succeed.
             config.connections.hedging_delay = std::chrono::milliseconds::max();
             coauth::client client(runner.context().get_executor(), with_log_scan(config));
             auto const begin = [&](auto const& done) { deadline_runner::get_token(client, done); };
             // The first operation may time out on a loaded machine; only the second is tested.
             for (int i = 0; runner.result() != "success" && i < 10; ++i)
                 runner.measure(begin);
             server.push_response(response_after_a_minute());
             runner.measure(begin);
             BOOST_TEST(server.requests().back().earlier_on_connection >= 1U);
         }},
    });
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_for_every_operation)
{
    auto const silent = [](deadline_runner::operation const& begin)
    {
        return [begin](deadline_runner& runner)
        {
            auto server = start();
            server.set_response(response_after_a_minute());
            runner.run(server.config(), begin);
        };
    };
    check_all({
        {"introspection", silent(
                              [](coauth::client& client, auto const& done)
                              {
                                  client.async_introspect(
                                      coauth::secret("tok.en-1"), {},
                                      [done](auto const& got) { done(outcome(got)); });
                              })},
        {"revocation", silent(
                           [](coauth::client& client, auto const& done)
                           {
                               client.async_revoke(
                                   coauth::secret("tok.en-1"), {},
                                   [done](auto const& got) { done(outcome(got)); });
                           })},
        {"token source",
         [](deadline_runner& runner)
         {
             auto server = start();
             server.set_response(response_after_a_minute());
             auto config = server.config();
             config.timeout = deadline;
             coauth::client client(runner.context().get_executor(), with_log_scan(config));
             coauth::token_source tokens(client, coauth::token_request());
             runner.measure(
                 [&](auto const& done)
                 {
                     tokens.async_get_access_token([done](token_result const& got)
                                                   { done(outcome(got)); });
                 });
         }},
        {"discovery",
         [](deadline_runner& runner)
         {
             auto server = start();
             server.set_response(response_after_a_minute());
             coauth::discovery_options options;
             options.tls = server.config().tls;
             options.timeout = deadline;
             options.lifetime = 0s;
             runner.measure(
                 [&](auto const& done)
                 {
                     coauth::async_discover(
                         runner.context().get_executor(), server.issuer(), options,
                         [done](auto const& got) { done(outcome(got)); });
                 });
         }},
    });
}

// Several attempts with a deadline each, and the waits between them.
BOOST_AUTO_TEST_CASE(one_deadline_covers_all_attempts_together)
{
    check_all(
        {{"attempts", [](deadline_runner& runner)
          {
              auto server = start();
              server.set_response(response_after_a_minute());
              auto config = server.config();
              config.retry.max_attempts = 10;
              // Not a divisor of the deadline, which must end the last attempt.
              config.retry.attempt_timeout = deadline * 2 / 5;
              config.retry.initial_back_off = 1ms;
              config.retry.max_back_off = 1ms;
              runner.run(config);
              BOOST_TEST(server.connections() >= 2U);
          }}});
}

// Each step takes less than the deadline, but all of them take more.
BOOST_AUTO_TEST_CASE(one_deadline_covers_lookup_connect_tls_and_response_together)
{
    static constexpr auto step = deadline * 2 / 5;
    auto const execute = [](deadline_runner& runner, std::chrono::milliseconds timeout)
    {
        full_backlog const backlog;
        auto server = start();
        fault_proxy proxy(server.port());
        auto const port = proxy.open({fault::delay, direction::to_client, 0, step}).value();
        slow_resolver resolver(step, {{"127.0.0.1", backlog.port()}, {"127.0.0.1", port}});
        auto delayed = response::json(200, token_body);
        delayed.delay = step;
        server.push_response(delayed);
        auto config = server.config();
        config.server.token_endpoint = server.token_endpoint("localhost");
        config.connections.resolver = resolver.function();
        config.connections.connection_attempt_delay = step / 4;
        config.timeout = timeout;
        coauth::client client(runner.context().get_executor(), with_log_scan(config));
        runner.measure([&](auto const& done) { deadline_runner::get_token(client, done); });
    };
    deadline_runner without_deadline;
    execute(without_deadline, 10s);
    BOOST_TEST(without_deadline.result() == "success");
    BOOST_TEST((without_deadline.elapsed() > deadline));
    check_all(
        {{"lookup, connect, TLS and response",
          [&](deadline_runner& runner) { execute(runner, deadline); }}});
}

BOOST_AUTO_TEST_SUITE_END()
