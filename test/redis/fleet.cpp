// A fleet that shares its tokens through a real server: in one process, and in many.

#include "fleet_fixture.hpp"
#include "redis_process.hpp"
#include "sanitizers.hpp"
#include "scratch_file.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace test;
using coauth::errc;

namespace
{

// Processes in one: each node has a connection of its own.
struct redis_fleet : shared_fleet
{
    shared_node& add(coauth::shared_tokens_options options = patient())
    {
        return add_to(
            std::make_shared<coauth::redis_token_store>(context, redis.options()),
            std::move(options));
    }
    void add_many(std::size_t count)
    {
        while (count-- != 0)
            add();
    }

    redis_process redis;
};

struct member_token
{
    std::string value;
    std::chrono::seconds remaining{0};
    // The member's wall clock.
    std::time_t clock = 0;
};

struct member_options
{
    int sources = 1;
    int store_timeout = 10'000;
    int lease = 100'000;
    int clock_difference = 0;
};

// A running fleet_member.
class member
{
public:
    member(
        redis_fleet const& fleet, std::string const& redis_ca, std::string const& server_ca,
        member_options const& options)
    {
        int ends[2];
        BOOST_TEST_REQUIRE(::pipe(ends) == 0);
        std::vector<std::string> arguments{
            COAUTH_FLEET_MEMBER,
            "rediss://coauth@localhost:" + std::to_string(fleet.redis.tls_port()),
            redis_ca,
            fleet.server.token_endpoint(),
            server_ca,
            std::to_string(options.sources),
            std::to_string(options.store_timeout),
            std::to_string(options.lease),
            std::to_string(options.clock_difference)};
        std::vector<char*> words;
        for (auto& argument : arguments)
            words.push_back(argument.data());
        words.push_back(nullptr);
        std::vector<std::string> variables{
            std::string("MEMBER_ID=") + client_id, std::string("MEMBER_SECRET=") + client_secret,
            std::string("MEMBER_KEY=") + key_a};
        std::vector<char*> environment;
        for (auto& variable : variables)
            environment.push_back(variable.data());
        environment.push_back(nullptr);
        process_ = ::fork();
        if (process_ == 0)
        {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], STDOUT_FILENO);
            ::close(ends[0]);
            ::close(ends[1]);
            ::execve(words[0], words.data(), environment.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = ::fdopen(ends[0], "r");
    }
    ~member()
    {
        kill();
        std::fclose(output_);
    }
    member(member const&) = delete;
    member& operator=(member const&) = delete;

    void kill() { kill_process(process_); }
    // What it printed, when it has ended.
    std::vector<std::string> lines()
    {
        std::string text;
        char part[4096];
        for (std::size_t size = 0; (size = std::fread(part, 1, sizeof part, output_)) != 0;)
            text.append(part, size);
        std::vector<std::string> found;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);)
            found.push_back(line);
        return found;
    }
    // The tokens, when it has ended.
    std::vector<member_token> tokens()
    {
        std::vector<member_token> found;
        for (auto const& line : lines())
        {
            std::istringstream parts(line);
            member_token one;
            long remaining = 0;
            parts >> one.value >> remaining >> one.clock;
            BOOST_TEST(!parts.fail(), line);
            one.remaining = std::chrono::seconds(remaining);
            found.push_back(std::move(one));
        }
        return found;
    }

private:
    pid_t process_ = -1;
    std::FILE* output_ = nullptr;
};

// A fleet whose members log in without a password, since arguments are no place for one.
struct process_fleet : redis_fleet
{
    process_fleet() { redis.command({"ACL", "SETUSER", "coauth", "nopass"}); }

    std::unique_ptr<member> launch(member_options const& options = {})
    {
        return std::make_unique<member>(*this, redis_ca.path(), server_ca.path(), options);
    }

    scratch_file redis_ca{"redis-ca", redis.ca_pem()};
    scratch_file server_ca{"server-ca", server.ca_pem()};
};

} // namespace

BOOST_AUTO_TEST_SUITE(redis_fleets)

BOOST_AUTO_TEST_CASE(many_processes_that_start_at_once_fetch_each_token_once)
{
    constexpr bool is_slow = address_sanitizer || thread_sanitizer;
    constexpr int processes = is_slow ? 12 : 50;
    constexpr int sources = 20;
    process_fleet fleet;
    std::vector<std::unique_ptr<member>> members;
    for (int i = 0; i < processes; ++i)
        members.push_back(fleet.launch({.sources = sources}));
    std::set<std::string> found;
    std::size_t count = 0;
    for (auto const& one : members)
        for (auto const& token : one->tokens())
        {
            found.insert(token.value);
            ++count;
        }
    BOOST_TEST(count == std::size_t(processes) * sources);
    BOOST_TEST(found.size() == std::size_t(sources));
    BOOST_TEST(fleet.requests() == std::size_t(sources));
}

BOOST_AUTO_TEST_CASE(a_killed_holder_delays_the_others_until_its_claim_ends)
{
    process_fleet fleet;
    auto late = response::token("late");
    late.delay = 60s;
    fleet.server.push_response(late);
    member_options const options{.store_timeout = 200, .lease = 2'000};
    auto const holder = fleet.launch(options);
    while (fleet.requests() == 0)
        std::this_thread::sleep_for(5ms);
    holder->kill();
    auto const keys = fleet.redis.command({"KEYS", "*:claim"});
    auto const remaining =
        std::stoi(fleet.redis.command({"PTTL", keys.substr(0, keys.find('\n'))}));
    stopwatch const since;
    auto const next = fleet.launch(options);
    auto const other = fleet.launch(options);
    auto const tokens = next->tokens();
    BOOST_TEST(since.elapsed() >= std::chrono::milliseconds(remaining));
    auto const others = other->tokens();
    BOOST_TEST_REQUIRE(tokens.size() == 1U);
    BOOST_TEST_REQUIRE(others.size() == 1U);
    BOOST_TEST(tokens.front().value == others.front().value);
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(clocks_of_processes_may_differ_by_an_hour)
{
    process_fleet fleet;
    constexpr int clocks[] = {-3600, 0, 3600};
    // Each of them is the one that fetches.
    for (auto const first : clocks)
    {
        BOOST_TEST_CONTEXT("fetched at " << first)
        {
            auto const before = fleet.requests();
            fleet.redis.command({"FLUSHALL"});
            auto const fetched = fleet.launch({.clock_difference = first})->tokens();
            BOOST_TEST_REQUIRE(fetched.size() == 1U);
            std::map<int, std::unique_ptr<member>> others;
            for (auto const clock : clocks)
                others.emplace(clock, fleet.launch({.clock_difference = clock}));
            for (auto const& [clock, other] : others)
            {
                auto const found = other->tokens();
                BOOST_TEST_REQUIRE(found.size() == 1U);
                BOOST_TEST(found.front().value == fetched.front().value);
                BOOST_TEST((found.front().remaining > 3540s && found.front().remaining <= 3600s));
                BOOST_TEST(std::abs(found.front().clock - std::time(nullptr) - clock) < 60);
            }
            BOOST_TEST(fleet.requests() == before + 1);
        }
    }
    // So is a back-off.
    auto failure = response::json(503, R"({"error":"temporarily_unavailable"})");
    failure.headers.add("Retry-After", "120");
    fleet.server.set_response(failure);
    for (auto const first : {-3600, 3600})
    {
        auto const before = fleet.requests();
        fleet.redis.command({"FLUSHALL"});
        for (auto const clock : {first, -first})
        {
            auto const lines = fleet.launch({.clock_difference = clock})->lines();
            BOOST_TEST_REQUIRE(lines.size() == 1U);
            BOOST_TEST(lines.front().starts_with("error: "));
        }
        BOOST_TEST(fleet.requests() == before + 1);
    }
}

BOOST_AUTO_TEST_CASE(keys_are_rotated_while_all_run)
{
    redis_fleet fleet;
    std::vector<std::unique_ptr<scratch_file>> files;
    // A process with its keys in a file.
    auto const add = [&](std::string const& ring) -> shared_node&
    {
        auto const name = "keys-" + std::to_string(files.size());
        files.push_back(std::make_unique<scratch_file>(name, ring));
        auto options = redis_fleet::patient();
        options.keys = coauth::secret_from_file(files.back()->path());
        return fleet.add(options);
    };
    std::string token;
    auto const get_all = [&]
    {
        auto const all = fleet.get_all();
        token = require_token(all.front()).value();
        for (auto const& one : all)
            BOOST_TEST(require_token(one).value() == token);
    };
    for (int i = 0; i < 3; ++i)
        add(key_a);
    get_all();
    std::size_t lives = 1;
    std::string const a = key_a;
    std::string const b = key_b;
    for (auto const& ring : {a + "\n" + b, b + "\n" + a, b})
    {
        // One machine after the other, and tokens are replaced in between.
        files.front()->write(ring);
        for (auto const& node : fleet.nodes)
            node->tokens.invalidate(node->tokens.try_get());
        get_all();
        ++lives;
        for (auto const& file : files)
            file->write(ring);
        // One that starts now.
        BOOST_TEST(require_token(fleet.get(add(ring))).value() == token);
        BOOST_TEST(fleet.requests() == lives, "with the keys " << ring);
    }
    // Replaced at once: who runs keeps his token, and those who start fetch one for all.
    for (auto const& file : files)
        file->write(a);
    get_all();
    BOOST_TEST(fleet.requests() == lives);
    auto const next = require_token(fleet.get(add(a))).value();
    BOOST_TEST(require_token(fleet.get(add(a))).value() == next);
    BOOST_TEST(fleet.requests() == lives + 1);
}

BOOST_AUTO_TEST_CASE(every_fault_of_redis_leaves_every_caller_with_a_token)
{
    redis_fleet fleet;
    struct row
    {
        char const* what;
        std::function<void()> spoil;
        std::function<void()> mend;
    };
    auto const& redis = fleet.redis;
    row const rows[] = {
        {"stopped", [&] { fleet.redis.stop(); }, [&] { fleet.redis.resume(); }},
        {"killed", [&] { fleet.redis.kill(); }, [&] { fleet.redis.start(); }},
        {"restarted empty", [&] { fleet.redis.kill(), fleet.redis.start(); }, [] {}},
        {"evicting", [&] { redis.command({"FLUSHALL"}); }, [] {}},
        {"slow", [&] { redis.command({"CLIENT", "PAUSE", "300", "ALL"}); }, [] {}},
        {"out of memory", [&] { redis.command({"CONFIG", "SET", "maxmemory", "1"}); },
         [&] { redis.command({"CONFIG", "SET", "maxmemory", "0"}); }},
        {"read-only", [&] { redis.command({"REPLICAOF", "127.0.0.1", "1"}); },
         [&] { redis.command({"REPLICAOF", "NO", "ONE"}); }},
        {"wrong password",
         [&]
         {
             redis.command({"ACL", "SETUSER", "coauth", "resetpass", ">other"});
             redis.command({"CLIENT", "KILL", "USER", "coauth"});
         },
         [&]
         {
             redis.command(
                 {"ACL", "SETUSER", "coauth", std::string(">") + redis_process::password});
         }},
        {"without scripts",
         [&] { redis.command({"ACL", "SETUSER", "coauth", "-eval", "-evalsha"}); },
         [&] { redis.command({"ACL", "SETUSER", "coauth", "+eval", "+evalsha"}); }},
    };
    auto options = fleet_fixture::patient();
    options.store_timeout = 100ms;
    auto& known = fleet.add(options);
    auto& other = fleet.add(options);
    for (auto const& [what, spoil, mend] : rows)
    {
        BOOST_TEST_CONTEXT(what)
        {
            require_token(fleet.get(known));
            spoil();
            stopwatch const watch;
            // One that has a connection, and a new one.
            known.tokens.invalidate(known.tokens.try_get());
            require_token(fleet.get(known));
            require_token(fleet.get(fleet.add(options)));
            BOOST_TEST(watch.elapsed() < 4s);
            mend();
            stopwatch const since;
            bool shares = false;
            while (!shares && since.elapsed() < 10s)
            {
                for (auto* const one : {&known, &other})
                    one->tokens.invalidate(one->tokens.try_get());
                auto const mine = fleet.get(known);
                shares = values({mine}) == values({fleet.get(other)});
            }
            BOOST_TEST(shares);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_stopped_server_is_left_alone_after_three_failures)
{
    redis_fleet fleet;
    auto options = fleet_fixture::patient();
    options.store_timeout = 100ms;
    auto& node = fleet.add(options);
    require_token(fleet.get(node));
    fleet.redis.stop();
    for (int i = 0; i < 6; ++i)
    {
        node.tokens.invalidate(node.tokens.try_get());
        require_token(fleet.get(node));
    }
    BOOST_TEST(fleet.events->log.find("breaker") != std::string::npos);
    fleet.redis.resume();
    // Back to sharing.
    stopwatch const since;
    auto const before = node.shared.counters().published;
    while (node.shared.counters().published == before && since.elapsed() < 10s)
    {
        std::this_thread::sleep_for(100ms);
        node.tokens.invalidate(node.tokens.try_get());
        require_token(fleet.get(node));
    }
    BOOST_TEST(since.elapsed() < 10s);
}

BOOST_AUTO_TEST_CASE(a_token_that_an_api_rejects_everywhere_is_replaced_once)
{
    redis_fleet fleet;
    fleet.add_many(20);
    auto const old = values(fleet.get_all());
    BOOST_TEST(fleet.requests() == 1U);
    for (auto const& node : fleet.nodes)
        node->tokens.invalidate(node->tokens.try_get());
    auto const got = values(fleet.get_all());
    BOOST_TEST(got.size() == 1U);
    BOOST_TEST(got != old);
    BOOST_TEST(fleet.requests() == 2U);
}

BOOST_AUTO_TEST_CASE(without_scripts_one_fetches_for_all_too)
{
    redis_fleet fleet;
    fleet.redis.command({"ACL", "SETUSER", "coauth", "-eval", "-evalsha"});
    fleet.add_many(20);
    BOOST_TEST(values(fleet.get_all()).size() == 1U);
    BOOST_TEST(fleet.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(a_failure_of_the_authorization_server_is_shared)
{
    redis_fleet fleet;
    fleet.server.set_response(response::json(503, R"({"error":"temporarily_unavailable"})"));
    fleet.add_many(10);
    for (auto const& got : fleet.get_all())
        BOOST_TEST(outcome(got) == "temporarily_unavailable");
    BOOST_TEST(fleet.requests() == 1U);
}

BOOST_AUTO_TEST_CASE(who_can_write_into_the_store_cannot_plant_a_token)
{
    redis_fleet fleet;
    auto const first = require_token(fleet.get(fleet.add()));
    auto keys = fleet.redis.command({"KEYS", "*"});
    auto const key = keys.substr(0, keys.find('\n'));
    auto const record = fleet.redis.command({"GET", key});
    for (auto const& planted :
         {record.substr(0, record.size() - 1), record + "x", std::string("garbage"),
          std::string(200'000, 'x')})
    {
        fleet.redis.command({"SET", key, planted, "PX", "100000"});
        auto const got = require_token(fleet.get(fleet.add()));
        BOOST_TEST(!(got == first));
    }
    // A record of another name.
    fleet.redis.command({"DEL", key});
    coauth::token_source other(fleet.nodes.front()->shared, coauth::token_request().scope("read"));
    other.async_get_access_token([](token_result const&) {});
    fleet.run();
    keys = fleet.redis.command({"KEYS", "*"});
    auto const other_key = keys.substr(0, keys.find('\n'));
    fleet.redis.command({"SET", key, fleet.redis.command({"GET", other_key}), "PX", "100000"});
    fleet.events->log.clear();
    auto const got = require_token(fleet.get(fleet.add()));
    BOOST_TEST(!(got == other.try_get()));
    BOOST_TEST(fleet.events->log.find("unusable") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
