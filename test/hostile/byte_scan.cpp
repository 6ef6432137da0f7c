// One whole request, and a fault at every byte of it, in both directions: always the right token or
// one typed error, in time, and never a second request.
//
// COAUTH_SCAN_STEP=1 visits every byte; by default each run of this visits some, from a random
// start. COAUTH_SEED=n begins where an earlier run began, which printed it.

#include <coauth/testing/relay.hpp>

#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <sstream>

using namespace test;
using coauth::testing::direction;
using coauth::testing::disturbance;
using coauth::testing::fault;
using coauth::testing::relay;

namespace
{

constexpr auto deadline = 300ms;
constexpr auto tolerance = 100ms;
// As many as one core can shake hands with in a fraction of the deadline.
constexpr std::size_t at_once = 16;

std::size_t number(char const* variable, std::size_t otherwise)
{
    char const* const given = std::getenv(variable);
    return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

char const* name(fault what)
{
    constexpr char const* names[] = {"none",  "close", "reset",   "half_close",
                                     "stall", "delay", "corrupt", "repeat"};
    return names[static_cast<std::size_t>(what)];
}

std::string describe(disturbance const& what)
{
    std::ostringstream text;
    text << name(what.fault) << (what.way == direction::to_server ? " to server" : " to client")
         << " at " << what.position;
    return text.str();
}

struct outcome_of_run
{
    std::vector<token_result> got;
    std::chrono::milliseconds took{0};
};

class scan
{
public:
    explicit scan(int version) : server_(start_speaking(version)), between_(server_.port())
    {
        server_.always(answer::json(200, token_body));
    }

    // Bytes of an undisturbed run, either way, and a few more: signatures differ in length.
    std::size_t length(direction way)
    {
        auto const port = between_.open().value();
        (void)require_token(fetch(config(port)));
        constexpr std::size_t differences = 8;
        return between_.passed(port, way) + differences;
    }

    void visit(std::vector<disturbance> const& places)
    {
        for (std::size_t i = 0; i < places.size(); i += at_once)
        {
            auto const last = std::min(places.size(), i + at_once);
            std::vector<disturbance> const some(
                places.begin() + static_cast<std::ptrdiff_t>(i),
                places.begin() + static_cast<std::ptrdiff_t>(last));
            auto const ends = run(some);
            for (std::size_t n = 0; n < some.size(); ++n)
                judge(some[n], ends[n]);
        }
        BOOST_TEST(server_.requests().size() <= runs_);
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
        return start(std::move(chosen));
    }

    coauth::client_config config(std::uint16_t port)
    {
        auto made = server_.config();
        made.server.token_endpoint = "https://127.0.0.1:" + std::to_string(port) + "/oauth/token";
        made.tls.session_resumption = false;
        made.retry.max_attempts = 1;
        made.timeout = deadline;
        return made;
    }

    // All of them at the same time.
    std::vector<outcome_of_run> run(std::vector<disturbance> const& places)
    {
        boost::asio::io_context context;
        std::list<coauth::client> clients;
        std::vector<std::uint16_t> ports;
        std::vector<outcome_of_run> ends(places.size());
        for (std::size_t i = 0; i < places.size(); ++i)
        {
            ports.push_back(between_.open(places[i]).value());
            clients.emplace_back(context.get_executor(), config(ports.back()));
            clients.back().async_get_access_token(
                coauth::token_request(),
                [&end = ends[i], watch = stopwatch()](token_result r)
                {
                    end.got.push_back(std::move(r));
                    end.took = watch.elapsed();
                });
        }
        context.run_for(deadline + 10s);
        for (auto const port : ports)
            between_.close(port);
        runs_ += places.size();
        return ends;
    }

    void judge(disturbance const& what, outcome_of_run const& end)
    {
        BOOST_TEST_CONTEXT(describe(what))
        {
            BOOST_REQUIRE_EQUAL(end.got.size(), 1U);
            auto const& got = end.got.front();
            ++outcomes_[outcome(got)];
            if (got)
                BOOST_TEST(got->value() == "tok.en-1");
            else
                check_no_secret(got);
            if (what.fault == fault::delay && !got)
                BOOST_TEST(outcome(got) == "timeout");
            BOOST_TEST((end.took <= deadline + tolerance || late_by_chance(what)));
        }
    }

    // Another program may have had the processor: by itself it is in time, or it is our fault.
    bool late_by_chance(disturbance const& what)
    {
        for (int i = 0; i < 3; ++i)
            if (run({what}).front().took <= deadline + tolerance)
                return true;
        return false;
    }

    authorization_server server_;
    relay between_;
    std::size_t runs_ = 0;
    std::map<std::string, std::size_t> outcomes_;
};

std::vector<disturbance> places_for(scan& one, std::size_t step, std::size_t first)
{
    std::vector<disturbance> places;
    for (auto const what :
         {fault::close, fault::reset, fault::half_close, fault::stall, fault::delay, fault::corrupt,
          fault::repeat})
        for (auto const way : {direction::to_server, direction::to_client})
        {
            auto const length = one.length(way);
            for (auto at = first++ % step; at < length; at += step)
                places.push_back({what, way, at});
        }
    return places;
}

void scan_version(int version)
{
    auto const seed = number("COAUTH_SEED", std::random_device{}() % 1000);
    auto const step = std::max<std::size_t>(1, number("COAUTH_SCAN_STEP", 29));
    BOOST_TEST_MESSAGE("COAUTH_SEED=" << seed << " COAUTH_SCAN_STEP=" << step);
    scan one(version);
    one.visit(places_for(one, step, seed));
    BOOST_TEST_MESSAGE(one.summary());
}

} // namespace

BOOST_AUTO_TEST_SUITE(byte_scan)

BOOST_AUTO_TEST_CASE(of_tls_1_2)
{
    scan_version(0x0303);
}

BOOST_AUTO_TEST_CASE(of_tls_1_3)
{
    scan_version(0x0304);
}

BOOST_AUTO_TEST_SUITE_END()
