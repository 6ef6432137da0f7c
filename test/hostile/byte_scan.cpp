// One request with a fault at every byte, in both directions: over a new connection, a reused one
// and one that resumes a TLS session. The outcome is the right token or a suitable error, in time
// and without unexpected requests.
//
// COAUTH_SCAN_STEP=1 visits every byte; by default each run visits some of them, from a random
// start. COAUTH_SEED=n repeats an earlier run, which printed its seed.

#include "fault_proxy.hpp"
#include "fixture.hpp"
#include "random_seed.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iostream>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <sstream>

using namespace test;

BOOST_AUTO_TEST_SUITE(byte_scan)

namespace
{

constexpr auto deadline = 300ms;
constexpr auto tolerance = 100ms;
// Handshakes that one core does in a fraction of the deadline.
constexpr std::size_t parallel = 16;
// The lengths of signatures differ.
constexpr std::size_t length_tolerance = 8;

// The connection that the fault affects.
enum class connection_kind
{
    new_connection,
    reused_connection,
    resumed_session,
};

char const* name(fault what)
{
    constexpr char const* names[] = {"none",  "close", "reset",   "half_close",
                                     "stall", "delay", "corrupt", "repeat"};
    return names[static_cast<std::size_t>(what)];
}

std::string describe(fault_spec const& what)
{
    std::ostringstream text;
    text << name(what.fault)
         << (what.direction == direction::to_server ? " to server" : " to client") << " at "
         << what.position;
    return text.str();
}

// The errors that are suitable for a fault.
std::set<std::string> allowed(fault what)
{
    switch (what)
    {
    case fault::stall:
        return {"timeout"};
    case fault::delay:
        return {};
    case fault::corrupt:
    case fault::repeat:
        // After a changed length one side may wait for bytes that never arrive.
        return {
            "timeout", "tls_failed", "connection_lost", "incomplete_response",
            "certificate_verify_failed"};
    default:
        return {"tls_failed", "connection_lost", "incomplete_response"};
    }
}

bool cuts(fault what)
{
    return what != fault::delay && what != fault::corrupt && what != fault::repeat;
}

struct run_result
{
    std::vector<token_result> got;
    std::chrono::milliseconds elapsed{0};
    std::size_t requests = 0;
};

class scan
{
public:
    scan(int version, connection_kind kind)
        : kind_(kind)
        , server_(start_speaking(version))
        , proxy_(server_.port())
    {
        server_.set_response(response::json(200, token_body));
    }

    // The positions of a request without faults, in one direction, that a fault can have.
    struct span
    {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    span bytes(direction way)
    {
        // The machine may have been busy.
        for (int tries = 0; tries < 20; ++tries)
            if (auto const found = measure(way))
                return *found;
        BOOST_FAIL("no request without a fault succeeds");
        return {};
    }

    void visit(std::vector<fault_spec> const& faults)
    {
        for (std::size_t i = 0; i < faults.size(); i += parallel)
        {
            auto const last = std::min(faults.size(), i + parallel);
            std::vector<fault_spec> const some(
                faults.begin() + static_cast<std::ptrdiff_t>(i),
                faults.begin() + static_cast<std::ptrdiff_t>(last));
            auto const ends = run(some);
            for (std::size_t n = 0; n < some.size(); ++n)
                check_outcome(some[n], ends[n]);
        }
        // Otherwise the faults did not meet the requests, or no request succeeded.
        BOOST_TEST(outcomes_["success"] >= faults.size() / 10);
        BOOST_TEST(outcomes_["timeout"] >= faults.size() / 50);
        // A request over a reused connection is repeated.
        if (kind_ != connection_kind::reused_connection)
            BOOST_TEST(outcomes_["connection_lost"] >= faults.size() / 10);
    }

    [[nodiscard]] std::string summary() const
    {
        std::ostringstream text;
        text << runs_ << " runs:";
        for (auto const& [outcome_name, count] : outcomes_)
            text << ' ' << outcome_name << ' ' << count;
        return text.str();
    }

private:
    static authorization_server start_speaking(int version)
    {
        auto settings = options();
        settings.min_tls_version = settings.max_tls_version = version;
        settings.remembered_requests = 8 * parallel;
        return start(std::move(settings));
    }

    // One request with a fault, and the requests before it.
    struct attempt
    {
        attempt(scan& its_scan, boost::asio::io_context& runs_on, fault_spec what)
            : owner(its_scan)
            , context(runs_on)
            , path("/run/" + std::to_string(++owner.runs_))
        {
            if (owner.kind_ == connection_kind::resumed_session)
                what.connection = 1;
            else
                what.connection = 0;
            port = owner.proxy_.open(what).value();
            auto config = owner.server_.config();
            config.server.token_endpoint = "https://127.0.0.1:" + std::to_string(port) + path;
            config.tls.session_resumption = owner.kind_ == connection_kind::resumed_session;
            config.connections.idle_timeout =
                owner.kind_ == connection_kind::reused_connection ? 60s : 0s;
            config.retry.max_attempts = 1;
            config.timeout = deadline;
            client.emplace(context.get_executor(), config);
        }
        ~attempt() { owner.proxy_.close(port); }
        attempt(attempt const&) = delete;
        attempt& operator=(attempt const&) = delete;

        // Makes the connection to be reused, or the session to be resumed.
        void prepare()
        {
            if (owner.kind_ == connection_kind::new_connection)
                return;
            std::string outcome_name;
            for (int i = 0; i < 5 && outcome_name != "success"; ++i)
            {
                client->async_get_access_token(
                    coauth::token_request(),
                    [&](token_result const& got) { outcome_name = outcome(got); });
                context.restart();
                context.run();
            }
            BOOST_TEST_REQUIRE(outcome_name == "success");
            before = received();
        }

        void begin()
        {
            client->async_get_access_token(
                coauth::token_request(),
                [this, watch = stopwatch()](token_result got)
                {
                    end.got.push_back(std::move(got));
                    end.elapsed = watch.elapsed();
                });
        }

        // The number of requests that the server received from it.
        [[nodiscard]] std::size_t received() const
        {
            auto const all = owner.server_.requests();
            return static_cast<std::size_t>(std::count_if(
                all.begin(), all.end(), [&](auto const& one) { return one.target == path; }));
        }

        scan& owner;
        boost::asio::io_context& context;
        std::string path;
        std::uint16_t port = 0;
        std::optional<coauth::client> client;
        std::size_t before = 0;
        run_result end;
    };

    std::optional<span> measure(direction way)
    {
        fault_spec none;
        none.direction = way;
        boost::asio::io_context context;
        attempt one(*this, context, none);
        one.prepare();
        auto const before = proxy_.passed(one.port, way);
        one.begin();
        context.restart();
        context.run();
        if (!one.end.got.at(0))
            return std::nullopt;
        auto const after = proxy_.passed(one.port, way);
        auto& full_length = full_length_[way];
        full_length = kind_ == connection_kind::resumed_session ? after - before : after;
        BOOST_TEST((server_.resumed() != 0) == (kind_ == connection_kind::resumed_session));
        if (kind_ == connection_kind::reused_connection)
            return span{before + length_tolerance, full_length + length_tolerance};
        return span{0, full_length + length_tolerance};
    }

    // All at the same time.
    std::vector<run_result> run(std::vector<fault_spec> const& faults)
    {
        boost::asio::io_context context;
        std::list<attempt> all;
        for (auto const& what : faults)
        {
            all.emplace_back(*this, context, what);
            all.back().prepare();
        }
        for (auto& one : all)
            one.begin();
        context.restart();
        context.run_for(deadline + 10s);
        std::vector<run_result> ends;
        for (auto& one : all)
        {
            one.end.requests = one.received() - one.before;
            ends.push_back(std::move(one.end));
        }
        return ends;
    }

    void check_outcome(fault_spec const& what, run_result const& end)
    {
        BOOST_TEST_CONTEXT(describe(what))
        {
            check(what, end);
            // The machine may have been busy: the fault is repeated alone.
            auto alone = end;
            for (int again = 0; again < 3 && !fits(what, alone); ++again)
            {
                alone = run({what}).front();
                check(what, alone);
            }
            ++outcomes_[outcome(alone.got.front())];
            BOOST_TEST(fits(what, alone), outcome(alone.got.front()) << " after " << alone.elapsed);
        }
    }

    // The checks that do not depend on time.
    void check(fault_spec const& what, run_result const& end)
    {
        BOOST_REQUIRE_EQUAL(end.got.size(), 1U);
        // A request over a reused connection that is lost is repeated over another.
        BOOST_TEST(end.requests <= (kind_ == connection_kind::reused_connection ? 2U : 1U));
        auto const& got = end.got.front();
        if (!got)
            return check_no_secret(got);
        BOOST_TEST(got->value() == "tok.en-1");
        // The last bytes may be the client's close_notify.
        auto const uncertain = what.direction == direction::to_server ? 48U : 16U;
        if (cuts(what.fault) && kind_ != connection_kind::reused_connection)
            BOOST_TEST(
                what.position + uncertain >= full_length_[what.direction],
                "part of the message was enough");
    }

    static bool fits(fault_spec const& what, run_result const& end)
    {
        auto const& got = end.got.front();
        return end.elapsed <= deadline + tolerance &&
               (got || allowed(what.fault).contains(outcome(got)));
    }

    connection_kind const kind_;
    authorization_server server_;
    fault_proxy proxy_;
    std::size_t runs_ = 0;
    std::map<direction, std::size_t> full_length_;
    std::map<std::string, std::size_t> outcomes_;
};

std::vector<fault_spec> faults_for(scan& one, std::size_t step, std::size_t first)
{
    std::vector<fault_spec> faults;
    for (auto const way : {direction::to_server, direction::to_client})
    {
        auto const bytes = one.bytes(way);
        for (auto const what :
             {fault::close, fault::reset, fault::half_close, fault::stall, fault::delay,
              fault::corrupt, fault::repeat})
            for (auto at = bytes.begin + first++ % step; at < bytes.end; at += step)
                faults.push_back({.fault = what, .direction = way, .position = at});
    }
    return faults;
}

void run_scan(int version, connection_kind kind)
{
    auto const step = std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", 29));
    scan one(version, kind);
    one.visit(faults_for(one, step, choose_seed()));
    std::cout << "COAUTH_SCAN_STEP=" << step << ", " << one.summary() << std::endl;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_over_tls_1_2_gives_the_token_or_an_error)
{
    run_scan(0x0303, connection_kind::new_connection);
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_over_tls_1_3_gives_the_token_or_an_error)
{
    run_scan(0x0304, connection_kind::new_connection);
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_of_a_reused_tls_1_2_connection_gives_the_token_or_an_error)
{
    run_scan(0x0303, connection_kind::reused_connection);
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_of_a_reused_tls_1_3_connection_gives_the_token_or_an_error)
{
    run_scan(0x0304, connection_kind::reused_connection);
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_of_a_resumed_tls_1_2_session_gives_the_token_or_an_error)
{
    run_scan(0x0303, connection_kind::resumed_session);
}

BOOST_AUTO_TEST_CASE(a_fault_at_any_byte_of_a_resumed_tls_1_3_session_gives_the_token_or_an_error)
{
    run_scan(0x0304, connection_kind::resumed_session);
}

BOOST_AUTO_TEST_SUITE_END()
