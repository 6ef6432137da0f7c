#include "server.hpp"

#include <coauth/testing/authorization_server.hpp>

#include "misbehaviour.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace soak
{

using namespace std::chrono_literals;
using coauth::testing::authorization_server;
using coauth::testing::server_options;
using std::chrono::steady_clock;

namespace
{

// Enough responses for several seconds in which this process does not run.
constexpr std::size_t ahead_at_steady = 40'000;
constexpr std::size_t ahead_at_restarted = 4'000;
constexpr auto restart_interval = 3s;

authorization_server start(server_options options)
{
    options.remembered_requests = 1;
    auto started = authorization_server::start(std::move(options));
    if (!started)
        throw std::runtime_error(started.error().message());
    // The default, since a token that the server issues itself would be unknown to the test.
    started->set_response(coauth::testing::response::json(503, "{}"));
    return std::move(*started);
}

void send(int to, std::string const& text)
{
    if (::write(to, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("the pipe broke");
}

// Reads until a NUL or the end of the pipe.
std::string receive(int from)
{
    std::string all;
    std::array<char, 4096> part{};
    for (ssize_t size = 1; size > 0;)
    {
        size = ::read(from, part.data(), part.size());
        if (size > 0)
            all.append(part.data(), static_cast<std::size_t>(size));
        if (all.ends_with('\0'))
            break;
    }
    return all;
}

// Keeps enough scripted responses ahead of the server's requests.
class script
{
public:
    script(misbehaviour const& responses, authorization_server& server, std::size_t ahead)
        : responses_(responses)
        , server_(server)
        , ahead_(ahead)
    {
    }

    void extend()
    {
        while (server_.wait_for_requests(requests_ + 1, 0ms))
            ++requests_;
        // If the script was exhausted, further requests received the default response.
        unscripted_ += requests_ - std::min(requests_, scripted_ + unscripted_);
        for (; scripted_ + unscripted_ < requests_ + ahead_; ++scripted_)
            server_.push_response(responses_.response(scripted_));
    }
    // Number of scripted responses that were sent.
    [[nodiscard]] std::size_t used() const { return requests_ - unscripted_; }

private:
    misbehaviour const& responses_;
    authorization_server& server_;
    std::size_t const ahead_;
    std::size_t requests_ = 0;
    std::size_t scripted_ = 0;
    std::size_t unscripted_ = 0;
};

bool stop_requested(int commands)
{
    pollfd poll_entry{commands, POLLIN, 0};
    return ::poll(&poll_entry, 1, 20) != 0;
}

std::size_t run(std::uint64_t seed, int commands, int reports)
{
    misbehaviour const responses(seed);
    auto steady = start({});
    script steady_script(responses, steady, ahead_at_steady);
    server_options options;
    options.tls = false;
    std::optional<authorization_server> restarted(start(options));
    options.port = restarted->port();
    std::optional<script> restarted_script(
        std::in_place, responses, *restarted, ahead_at_restarted);
    steady_script.extend();
    restarted_script->extend();
    send(
        reports, std::to_string(steady.port()) + " " + std::to_string(options.port) + " " +
                     steady.ca_pem() + '\0');
    auto restart_at = steady_clock::now() + restart_interval;
    while (!stop_requested(commands))
    {
        steady_script.extend();
        restarted_script->extend();
        if (steady_clock::now() < restart_at)
            continue;
        restarted_script.reset();
        restarted.reset();
        restarted.emplace(start(options));
        restarted_script.emplace(responses, *restarted, ahead_at_restarted);
        restart_at = steady_clock::now() + restart_interval;
    }
    steady_script.extend();
    return steady_script.used();
}

} // namespace

server::server(std::uint64_t seed)
{
    std::array<int, 2> commands_pipe{};
    std::array<int, 2> reports_pipe{};
    if (::pipe(commands_pipe.data()) != 0 || ::pipe(reports_pipe.data()) != 0)
        throw std::runtime_error("no pipe");
    process_ = ::fork();
    if (process_ == 0)
    {
        ::close(commands_pipe[1]);
        ::close(reports_pipe[0]);
        send(reports_pipe[1], std::to_string(run(seed, commands_pipe[0], reports_pipe[1])) + '\0');
        ::_exit(0);
    }
    ::close(commands_pipe[0]);
    ::close(reports_pipe[1]);
    commands_ = commands_pipe[1];
    reports_ = reports_pipe[0];
    std::istringstream addresses(receive(reports_));
    addresses >> steady_port >> restarted_port >> std::ws;
    std::getline(addresses, ca_pem, '\0');
}

std::size_t server::stop()
{
    ::close(commands_);
    commands_ = -1;
    return std::stoul("0" + receive(reports_));
}

server::~server()
{
    if (commands_ != -1)
        ::close(commands_);
    ::close(reports_);
    (void)::waitpid(process_, nullptr, 0);
}

} // namespace soak
