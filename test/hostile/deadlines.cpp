// Whatever dribbles, and wherever: the operation ends as a timeout, not before its deadline and not
// later than 50 ms after it.

#include "fault_proxy.hpp"
#include "full_backlog.hpp"
#include "hanging_lookup.hpp"
#include "scripted_proxy.hpp"
#include "tls_peer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <thread>

using namespace test;
using coauth::testing::connection_fault;
using std::chrono::steady_clock;

namespace
{

constexpr std::chrono::milliseconds deadline = 200ms;
constexpr std::chrono::milliseconds tolerance = 50ms;
// Between bytes, or what else dribbles.
constexpr std::chrono::milliseconds pause = 20ms;
// A loaded machine may be late; then it has another try. It is never early, nor wrong.
constexpr int tries = 4;

// Where one operation runs. The event loop outlives the servers, which may still hold its lookup.
class stage
{
public:
    // Begins an operation that ends with the function that it is given.
    using operation = std::function<void(coauth::client&, std::function<void(std::string)>)>;

    void run(coauth::client_config config, operation const& begin = get_token)
    {
        config.timeout = deadline;
        coauth::client client(context_.get_executor(), with_log_scan(std::move(config)));
        measure([&](auto const& done) { begin(client, done); });
    }

    // Several times, the last one counts.
    void measure(std::function<void(std::function<void(std::string)>)> const& begin)
    {
        outcome_.reset();
        context_.restart();
        auto const from = steady_clock::now();
        begin(
            [&](std::string how)
            {
                took_ = steady_clock::now() - from;
                outcome_ = std::move(how);
            });
        while (!outcome_)
            BOOST_REQUIRE(context_.run_one() == 1U);
    }

    static void get_token(coauth::client& client, std::function<void(std::string)> const& done)
    {
        client.async_get_access_token(
            coauth::token_request(), [done](token_result const& got) { done(outcome(got)); });
    }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    [[nodiscard]] std::string ended() const { return outcome_.value_or("never begun"); }
    [[nodiscard]] steady_clock::duration took() const { return took_; }

private:
    boost::asio::io_context context_;
    std::optional<std::string> outcome_;
    steady_clock::duration took_{};
};

struct row
{
    std::string name;
    // Builds the servers, and runs one operation.
    std::function<void(stage&)> play;
};

void check_all(std::vector<row> const& rows)
{
    for (auto const& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            bool late = true;
            for (int i = 0; late && i < tries; ++i)
            {
                stage one;
                row.play(one);
                BOOST_TEST(one.ended() == "timeout");
                BOOST_TEST((one.took() >= deadline));
                late = one.took() > deadline + tolerance;
                BOOST_TEST_MESSAGE(row.name << ": " << one.took() / 1us << " us");
            }
            BOOST_TEST(!late);
        }
}

std::string const ok = "HTTP/1.1 200 OK\r\n";
std::string const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

issued_certificate const& shown()
{
    static issued_certificate const made;
    return made;
}

// Until the client leaves.
void repeat(raw_connection& peer, std::function<bool()> const& what)
{
    while (!peer.left_alone() && what())
        std::this_thread::sleep_for(pause);
}

row of_raw_server(std::string name, int version, raw_tls_server::script script)
{
    return {
        std::move(name), [version, script = std::move(script)](stage& one)
        {
            raw_tls_server const server(
                speaking(shown(), version),
                [&](raw_connection& peer)
                {
                    script(peer);
                    repeat(peer, [] { return true; });
                });
            one.run(config_for(server, shown()));
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

// A response: this at once, the next slowly, and the last slowly again and again.
row slowly(
    std::string name, std::string const& at_once, std::string const& next,
    std::string const& repeated = {}, std::size_t piece = 1)
{
    return of_raw_server(
        std::move(name), 0,
        [=](raw_connection& peer)
        {
            if (!peer.shake_hands() || !peer.read_request())
                return;
            bool going = peer.write(at_once + next.substr(0, 1)) &&
                         (next.empty() || write_slowly(peer, next.substr(1), piece));
            while (going && !repeated.empty())
                going = write_slowly(peer, repeated, piece);
        });
}

std::vector<row> rows_of_responses()
{
    std::string const whole = http_response(token_body);
    std::string const header = whole.substr(0, whole.find('{'));
    std::string const interim = "HTTP/1.1 102 Processing\r\n\r\n";
    std::string const gap(100, ' ');
    // The size in hexadecimal.
    std::string const data = chunked + "43\r\n";
    std::string const last = data + token_body + "\r\n0\r\n";
    return {
        slowly("status line", "", ok),
        slowly("reason", "HTTP/1.1 200 ", gap),
        slowly("name of a field", ok, "X" + std::string(100, 'y')),
        slowly("value of a field", ok + "X: ", gap),
        slowly("value of a field without end", ok + "X: ", "", "y"),
        slowly("fields without end", ok, "", "X: y\r\n", 6),
        slowly("end of the header", ok + "Content-Length: 67\r", "", ""),
        slowly("informational responses without end", "", "", interim, interim.size()),
        slowly("an informational response", interim, interim + interim),
        slowly("body with a length", header, token_body),
        slowly("last byte of the body", whole.substr(0, whole.size() - 1), ""),
        slowly("body to the end of the connection", ok + "\r\n", token_body),
        slowly("body without end", ok + "\r\n" + token_body, "", " "),
        slowly("size of a chunk", chunked, "", "0"),
        slowly("extension of a chunk", chunked + "5;", "", "x"),
        slowly("data of a chunk", data, token_body),
        slowly("chunks without end", chunked, "", "1\r\n \r\n", 6),
        slowly("end of a chunk", chunked + "1\r\n \r", "", ""),
        slowly("last chunk", last, "", ""),
        slowly("trailers without end", last, "", "X: y\r\n", 6),
        slowly("a trailer", last + "X: ", "", "y"),
    };
}

response response_after_a_minute()
{
    auto late = response::json(200, token_body);
    late.delay = 60s;
    return late;
}

row through_relay(std::string name, int version, fault_spec const& what)
{
    return {
        std::move(name), [=](stage& one)
        {
            auto chosen = options();
            chosen.min_tls_version = chosen.max_tls_version = version;
            auto const server = start(chosen);
            fault_proxy between(server.port());
            auto config = server.config();
            config.server.token_endpoint =
                "https://127.0.0.1:" + std::to_string(between.open(what).value()) + "/oauth/token";
            one.run(config);
        }};
}

std::vector<row> rows_of_handshakes()
{
    std::vector<row> rows;
    for (int const version : {tls_1_2, tls_1_3})
    {
        auto const add = [&](std::string const& name, fault_spec const& what)
        {
            rows.push_back(through_relay(
                name + " at " + std::to_string(what.position) + ", TLS " + std::to_string(version),
                version, what));
        };
        for (auto const way : {direction::to_client, direction::to_server})
            for (std::size_t const position : {0U, 3U, 60U, 200U})
            {
                std::string const side = way == direction::to_client ? "server" : "client";
                add("silence of the " + side, {fault::stall, way, position});
                add("drip of the " + side, {fault::trickle, way, position, pause});
            }
        add("half a flight", {fault::stall, direction::to_client, 600});
        add("drip after half a flight", {fault::trickle, direction::to_client, 600, pause});
    }
    return rows;
}

row refusing(std::string name, connection_fault how, std::string const& text)
{
    return {
        std::move(name), [=](stage& one)
        {
            auto chosen = options();
            chosen.connection_fault = how;
            chosen.plain_text = text;
            auto const server = start(chosen);
            one.run(server.config());
        }};
}

row behind_proxy(std::string name, std::string const& said, std::size_t piece = 0)
{
    return {
        std::move(name), [=](stage& one)
        {
            auto const server = start();
            proxy_script told;
            told.response = said;
            told.piece = piece;
            told.pause = pause;
            scripted_proxy const proxy(told);
            auto config = server.config();
            config.proxy.url = proxy.url();
            one.run(config);
        }};
}

// Resolves every name, on a thread of its own, after a while.
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

std::vector<row> rows_before_tls()
{
    return {
        {"lookup of the system's that hangs",
         [](stage& one)
         {
             auto const server = start();
             auto config = server.config();
             config.server.token_endpoint = server.token_endpoint(hanging_lookup::host);
             hanging_lookup const hang;
             one.run(config);
         }},
        {"resolver that never responds",
         [](stage& one)
         {
             auto const server = start();
             auto config = server.config();
             config.server.token_endpoint = server.token_endpoint("localhost");
             std::function<void()> kept;
             config.connections.resolver = [&](auto const&, auto, auto done)
             { kept = [done = std::move(done)] {}; };
             one.run(config);
         }},
        {"connection that is not accepted",
         [](stage& one)
         {
             full_backlog const hole;
             auto config = start().config();
             config.server.token_endpoint =
                 "https://127.0.0.1:" + std::to_string(hole.port()) + "/";
             one.run(config);
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

std::vector<row> rows_after_the_handshake()
{
    using step = bool (*)(raw_connection&);
    auto const forever = [](std::string name, int version, step what)
    {
        return of_raw_server(
            std::move(name), version,
            [what](raw_connection& peer)
            {
                if (peer.shake_hands() && peer.read_request())
                    repeat(peer, [&] { return what(peer); });
            });
    };
    return {
        forever("tickets for ever", tls_1_3, give_ticket),
        forever("key updates for ever", tls_1_3, update_key),
        forever("requests to renegotiate for ever", tls_1_2, ask_to_renegotiate),
        of_raw_server("a storm of key updates", tls_1_3, storm_of(update_key, true)),
        of_raw_server("a storm of key updates unasked", tls_1_3, storm_of(update_key, false)),
        of_raw_server(
            "a storm of requests to renegotiate", tls_1_2, storm_of(ask_to_renegotiate, true)),
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(deadlines)

BOOST_AUTO_TEST_CASE(hold_before_tls)
{
    check_all(rows_before_tls());
}

BOOST_AUTO_TEST_CASE(hold_in_the_handshake)
{
    check_all(rows_of_handshakes());
    check_all({
        refusing("silence after accept", connection_fault::silence, ""),
        refusing(
            "half a record", connection_fault::plain_text,
            std::string("\x16\x03\x03\x00\x7A\x02", 6)),
    });
}

BOOST_AUTO_TEST_CASE(hold_after_the_handshake)
{
    check_all(rows_after_the_handshake());
}

BOOST_AUTO_TEST_CASE(hold_in_every_part_of_a_response)
{
    check_all(rows_of_responses());
}

BOOST_AUTO_TEST_CASE(hold_on_a_connection_that_is_used_again)
{
    check_all({
        {"second response",
         [](stage& one)
         {
             auto server = start();
             auto config = server.config();
             config.timeout = deadline;
             coauth::client client(one.context().get_executor(), with_log_scan(config));
             auto const begin = [&](auto const& done) { stage::get_token(client, done); };
             // A first one that is slow, on a loaded machine, is not what is measured.
             for (int i = 0; one.ended() != "success" && i < 10; ++i)
                 one.measure(begin);
             server.push_response(response_after_a_minute());
             one.measure(begin);
             BOOST_TEST(server.requests().back().earlier_on_connection >= 1U);
         }},
    });
}

BOOST_AUTO_TEST_CASE(hold_for_every_operation)
{
    auto const silent = [](stage::operation const& begin)
    {
        return [begin](stage& one)
        {
            auto server = start();
            server.set_response(response_after_a_minute());
            one.run(server.config(), begin);
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
         [](stage& one)
         {
             auto server = start();
             server.set_response(response_after_a_minute());
             auto config = server.config();
             config.timeout = deadline;
             coauth::client client(one.context().get_executor(), with_log_scan(config));
             coauth::token_source tokens(client, coauth::token_request());
             one.measure(
                 [&](auto const& done)
                 {
                     tokens.async_get_access_token([done](token_result const& got)
                                                   { done(outcome(got)); });
                 });
         }},
        {"discovery",
         [](stage& one)
         {
             auto server = start();
             server.set_response(response_after_a_minute());
             coauth::discovery_options options;
             options.tls = server.config().tls;
             options.timeout = deadline;
             options.lifetime = 0s;
             one.measure(
                 [&](auto const& done)
                 {
                     coauth::async_discover(
                         one.context().get_executor(), server.issuer(), options,
                         [done](auto const& got) { done(outcome(got)); });
                 });
         }},
    });
}

// Several attempts, each with a deadline of its own, and the waits between them.
BOOST_AUTO_TEST_CASE(hold_for_all_attempts_together)
{
    check_all(
        {{"attempts", [](stage& one)
          {
              auto server = start();
              server.set_response(response_after_a_minute());
              auto config = server.config();
              config.retry.max_attempts = 10;
              // The last one is cut short: where no time is left for another wait, it ends early.
              config.retry.attempt_timeout = deadline * 2 / 5;
              config.retry.initial_back_off = 1ms;
              config.retry.max_back_off = 1ms;
              one.run(config);
              BOOST_TEST(server.connections() >= 2U);
          }}});
}

// Each step takes less than the deadline, but all of them take more.
BOOST_AUTO_TEST_CASE(hold_for_all_steps_together)
{
    static constexpr auto step = deadline * 2 / 5;
    auto const play = [](stage& one, std::chrono::milliseconds timeout)
    {
        full_backlog const hole;
        auto server = start();
        fault_proxy between(server.port());
        auto const port = between.open({fault::delay, direction::to_client, 0, step}).value();
        slow_resolver resolver(step, {{"127.0.0.1", hole.port()}, {"127.0.0.1", port}});
        auto late = response::json(200, token_body);
        late.delay = step;
        server.push_response(late);
        auto config = server.config();
        config.server.token_endpoint = server.token_endpoint("localhost");
        config.connections.resolver = resolver.function();
        config.connections.connection_attempt_delay = step / 4;
        config.timeout = timeout;
        coauth::client client(one.context().get_executor(), with_log_scan(config));
        one.measure([&](auto const& done) { stage::get_token(client, done); });
    };
    stage patient;
    play(patient, 10s);
    BOOST_TEST(patient.ended() == "success");
    BOOST_TEST((patient.took() > deadline));
    check_all({{"lookup, connect, TLS and response", [&](stage& one) { play(one, deadline); }}});
}

BOOST_AUTO_TEST_SUITE_END()
