// One whole request, and a fault at every byte of it, in both directions: over a new connection,
// over one that is kept, and over one that resumes a TLS session. Always the right token or a typed
// error that fits, in time, and never a request more than may be.
//
// COAUTH_SCAN_STEP=1 visits every byte; by default each run of this visits some, from a random
// start. COAUTH_SEED=n begins where an earlier run began, which printed it.

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

namespace
{

constexpr auto deadline = 300ms;
constexpr auto tolerance = 100ms;
// As many as one core can shake hands with in a fraction of the deadline.
constexpr std::size_t at_once = 16;
// Signatures differ in length.
constexpr std::size_t differences = 8;

// Over what the request goes that is disturbed.
enum class manner
{
    new_connection,
    kept_connection,
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

// How it may end, beside well.
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
        // A length that is another may have one side wait for what does not come.
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

struct outcome_of_run
{
    std::vector<token_result> got;
    std::chrono::milliseconds took{0};
    std::size_t requests = 0;
};

class scan
{
public:
    scan(int version, manner how)
        : how_(how)
        , server_(start_speaking(version))
        , between_(server_.port())
    {
        server_.set_response(response::json(200, token_body));
    }

    // The bytes of an undisturbed request, one way: from the first that can be disturbed.
    struct span
    {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    span bytes(direction way)
    {
        // Another program may have had the processor for too long.
        for (int tries = 0; tries < 20; ++tries)
            if (auto const found = measure(way))
                return *found;
        BOOST_FAIL("no request goes well that is not disturbed");
        return {};
    }

    void visit(std::vector<fault_spec> const& places)
    {
        for (std::size_t i = 0; i < places.size(); i += at_once)
        {
            auto const last = std::min(places.size(), i + at_once);
            std::vector<fault_spec> const some(
                places.begin() + static_cast<std::ptrdiff_t>(i),
                places.begin() + static_cast<std::ptrdiff_t>(last));
            auto const ends = run(some);
            for (std::size_t n = 0; n < some.size(); ++n)
                judge(some[n], ends[n]);
        }
        // Else the faults passed by the requests, or none came through.
        BOOST_TEST(outcomes_["success"] >= places.size() / 10);
        BOOST_TEST(outcomes_["timeout"] >= places.size() / 50);
        // Those of a kept connection are made once more.
        if (how_ != manner::kept_connection)
            BOOST_TEST(outcomes_["connection_lost"] >= places.size() / 10);
    }

    [[nodiscard]] std::string summary() const
    {
        std::ostringstream text;
        text << runs_ << " runs:";
        for (auto const& [how, count] : outcomes_)
            text << ' ' << how << ' ' << count;
        return text.str();
    }

private:
    static authorization_server start_speaking(int version)
    {
        auto chosen = options();
        chosen.min_tls_version = chosen.max_tls_version = version;
        chosen.remembered_requests = 8 * at_once;
        return start(std::move(chosen));
    }

    // One request that is disturbed, and what goes before it.
    struct attempt
    {
        attempt(scan& its_scan, boost::asio::io_context& runs_on, fault_spec what)
            : of(its_scan)
            , context(runs_on)
            , path("/run/" + std::to_string(++of.runs_))
        {
            if (of.how_ == manner::resumed_session)
                what.connection = 1;
            else
                what.connection = 0;
            port = of.between_.open(what).value();
            auto config = of.server_.config();
            config.server.token_endpoint = "https://127.0.0.1:" + std::to_string(port) + path;
            config.tls.session_resumption = of.how_ == manner::resumed_session;
            config.connections.idle_timeout = of.how_ == manner::kept_connection ? 60s : 0s;
            config.retry.max_attempts = 1;
            config.timeout = deadline;
            client.emplace(context.get_executor(), config);
        }
        ~attempt() { of.between_.close(port); }
        attempt(attempt const&) = delete;
        attempt& operator=(attempt const&) = delete;

        // Makes the connection that is kept, or the session that is resumed.
        void prepare()
        {
            if (of.how_ == manner::new_connection)
                return;
            std::string how;
            for (int i = 0; i < 5 && how != "success"; ++i)
            {
                client->async_get_access_token(
                    coauth::token_request(), [&](token_result const& got) { how = outcome(got); });
                context.restart();
                context.run();
            }
            BOOST_TEST_REQUIRE(how == "success");
            before = received();
        }

        void begin()
        {
            client->async_get_access_token(
                coauth::token_request(),
                [this, watch = stopwatch()](token_result got)
                {
                    end.got.push_back(std::move(got));
                    end.took = watch.elapsed();
                });
        }

        // How many requests came from it.
        [[nodiscard]] std::size_t received() const
        {
            auto const all = of.server_.requests();
            return static_cast<std::size_t>(std::count_if(
                all.begin(), all.end(), [&](auto const& one) { return one.target == path; }));
        }

        scan& of;
        boost::asio::io_context& context;
        std::string path;
        std::uint16_t port = 0;
        std::optional<coauth::client> client;
        std::size_t before = 0;
        outcome_of_run end;
    };

    std::optional<span> measure(direction way)
    {
        fault_spec none;
        none.direction = way;
        boost::asio::io_context context;
        attempt one(*this, context, none);
        one.prepare();
        auto const before = between_.passed(one.port, way);
        one.begin();
        context.restart();
        context.run();
        if (!one.end.got.at(0))
            return std::nullopt;
        auto const after = between_.passed(one.port, way);
        auto& whole = whole_[way];
        whole = how_ == manner::resumed_session ? after - before : after;
        BOOST_TEST((server_.resumed() != 0) == (how_ == manner::resumed_session));
        if (how_ == manner::kept_connection)
            return span{before + differences, whole + differences};
        return span{0, whole + differences};
    }

    // All of them at the same time.
    std::vector<outcome_of_run> run(std::vector<fault_spec> const& places)
    {
        boost::asio::io_context context;
        std::list<attempt> all;
        for (auto const& what : places)
        {
            all.emplace_back(*this, context, what);
            all.back().prepare();
        }
        for (auto& one : all)
            one.begin();
        context.restart();
        context.run_for(deadline + 10s);
        std::vector<outcome_of_run> ends;
        for (auto& one : all)
        {
            one.end.requests = one.received() - one.before;
            ends.push_back(std::move(one.end));
        }
        return ends;
    }

    void judge(fault_spec const& what, outcome_of_run const& end)
    {
        BOOST_TEST_CONTEXT(describe(what))
        {
            check(what, end);
            // Another program may have had the processor: by itself it goes well, or it is our
            // fault.
            auto alone = end;
            for (int again = 0; again < 3 && !fits(what, alone); ++again)
            {
                alone = run({what}).front();
                check(what, alone);
            }
            ++outcomes_[outcome(alone.got.front())];
            BOOST_TEST(fits(what, alone), outcome(alone.got.front()) << " after " << alone.took);
        }
    }

    // What holds however slow it was.
    void check(fault_spec const& what, outcome_of_run const& end)
    {
        BOOST_REQUIRE_EQUAL(end.got.size(), 1U);
        // Where a connection dies that was kept, it is made once more over another.
        BOOST_TEST(end.requests <= (how_ == manner::kept_connection ? 2U : 1U));
        auto const& got = end.got.front();
        if (!got)
            return check_no_secret(got);
        BOOST_TEST(got->value() == "tok.en-1");
        // The client may have said goodbye behind its request.
        auto const uncertain = what.direction == direction::to_server ? 48U : 16U;
        if (cuts(what.fault) && how_ != manner::kept_connection)
            BOOST_TEST(what.position + uncertain >= whole_[what.direction], "a part was enough");
    }

    static bool fits(fault_spec const& what, outcome_of_run const& end)
    {
        auto const& got = end.got.front();
        return end.took <= deadline + tolerance &&
               (got || allowed(what.fault).contains(outcome(got)));
    }

    manner const how_;
    authorization_server server_;
    fault_proxy between_;
    std::size_t runs_ = 0;
    std::map<direction, std::size_t> whole_;
    std::map<std::string, std::size_t> outcomes_;
};

std::vector<fault_spec> places_for(scan& one, std::size_t step, std::size_t first)
{
    std::vector<fault_spec> places;
    for (auto const way : {direction::to_server, direction::to_client})
    {
        auto const bytes = one.bytes(way);
        for (auto const what :
             {fault::close, fault::reset, fault::half_close, fault::stall, fault::delay,
              fault::corrupt, fault::repeat})
            for (auto at = bytes.begin + first++ % step; at < bytes.end; at += step)
                places.push_back({.fault = what, .direction = way, .position = at});
    }
    return places;
}

void visit(int version, manner how)
{
    auto const step = std::max<std::size_t>(1, from_environment("COAUTH_SCAN_STEP", 29));
    scan one(version, how);
    one.visit(places_for(one, step, choose_seed()));
    std::cout << "COAUTH_SCAN_STEP=" << step << ", " << one.summary() << std::endl;
}

} // namespace

BOOST_AUTO_TEST_SUITE(byte_scan)

BOOST_AUTO_TEST_CASE(of_tls_1_2)
{
    visit(0x0303, manner::new_connection);
}

BOOST_AUTO_TEST_CASE(of_tls_1_3)
{
    visit(0x0304, manner::new_connection);
}

BOOST_AUTO_TEST_CASE(of_a_kept_connection_of_tls_1_2)
{
    visit(0x0303, manner::kept_connection);
}

BOOST_AUTO_TEST_CASE(of_a_kept_connection_of_tls_1_3)
{
    visit(0x0304, manner::kept_connection);
}

BOOST_AUTO_TEST_CASE(of_a_resumed_session_of_tls_1_2)
{
    visit(0x0303, manner::resumed_session);
}

BOOST_AUTO_TEST_CASE(of_a_resumed_session_of_tls_1_3)
{
    visit(0x0304, manner::resumed_session);
}

BOOST_AUTO_TEST_SUITE_END()
