// A fleet that shares its tokens through a real server: in one process, and in many.

#include "fleet_fixture.hpp"
#include "redis_process.hpp"
#include "sanitizers.hpp"
#include "scratch_file.hpp"

#include <csignal>
#include <cstdio>
#include <functional>
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

// A running fleet_member.
class member
{
public:
    member(
        redis_fleet const& fleet, std::string const& redis_ca, std::string const& server_ca,
        int sources, int store_timeout, int lease)
    {
        int ends[2];
        BOOST_TEST_REQUIRE(::pipe(ends) == 0);
        std::vector<std::string> arguments{
            COAUTH_FLEET_MEMBER,
            "rediss://coauth@localhost:" + std::to_string(fleet.redis.tls_port()),
            redis_ca,
            fleet.server.token_endpoint(),
            server_ca,
            std::to_string(sources),
            std::to_string(store_timeout),
            std::to_string(lease)};
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
    // The tokens, when it has ended.
    std::vector<std::string> tokens()
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

private:
    pid_t process_ = -1;
    std::FILE* output_ = nullptr;
};

// A fleet whose members log in without a password, since arguments are no place for one.
struct process_fleet : redis_fleet
{
    process_fleet() { redis.command({"ACL", "SETUSER", "coauth", "nopass"}); }

    std::unique_ptr<member> launch(int sources, int store_timeout = 10'000, int lease = 100'000)
    {
        return std::make_unique<member>(
            *this, redis_ca.path(), server_ca.path(), sources, store_timeout, lease);
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
        members.push_back(fleet.launch(sources));
    std::set<std::string> found;
    std::size_t count = 0;
    for (auto const& one : members)
        for (auto const& token : one->tokens())
        {
            found.insert(token);
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
    auto const holder = fleet.launch(1, 200, 2'000);
    while (fleet.requests() == 0)
        std::this_thread::sleep_for(5ms);
    holder->kill();
    auto const keys = fleet.redis.command({"KEYS", "*:claim"});
    auto const remaining =
        std::stoi(fleet.redis.command({"PTTL", keys.substr(0, keys.find('\n'))}));
    stopwatch const since;
    auto const next = fleet.launch(1, 200, 2'000);
    auto const other = fleet.launch(1, 200, 2'000);
    auto const tokens = next->tokens();
    BOOST_TEST(since.elapsed() >= std::chrono::milliseconds(remaining));
    BOOST_TEST(tokens.size() == 1U);
    BOOST_TEST(tokens == other->tokens());
    BOOST_TEST(fleet.requests() == 2U);
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
