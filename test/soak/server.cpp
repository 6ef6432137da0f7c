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

// For several seconds, should this process not run.
constexpr std::size_t ahead_at_steady = 40'000;
constexpr std::size_t ahead_at_restarted = 4'000;
constexpr auto life_of_the_restarted = 3s;

authorization_server start(server_options chosen)
{
    chosen.remembered_requests = 1;
    auto made = authorization_server::start(std::move(chosen));
    if (!made)
        throw std::runtime_error(made.error().message());
    // A token of its own would be a wrong one.
    made->set_response(coauth::testing::response::json(503, "{}"));
    return std::move(*made);
}

void send(int to, std::string const& text)
{
    if (::write(to, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("the pipe broke");
}

// To the end of the pipe.
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

// Keeps a server scripted, as far ahead as it may need before the next look.
class script
{
public:
    script(misbehaviour const& what, authorization_server& whom, std::size_t ahead)
        : what_(what)
        , whom_(whom)
        , ahead_(ahead)
    {
    }

    void extend()
    {
        while (whom_.wait_for_requests(seen_ + 1, 0ms))
            ++seen_;
        // All that was written was used, and some got what is always said.
        unscripted_ += seen_ - std::min(seen_, written_ + unscripted_);
        for (; written_ + unscripted_ < seen_ + ahead_; ++written_)
            whom_.push_response(what_.response(written_));
    }
    // How many of what was written came to a request.
    [[nodiscard]] std::size_t used() const { return seen_ - unscripted_; }

private:
    misbehaviour const& what_;
    authorization_server& whom_;
    std::size_t const ahead_;
    std::size_t seen_ = 0;
    std::size_t written_ = 0;
    std::size_t unscripted_ = 0;
};

bool told_to_stop(int commands)
{
    pollfd one{commands, POLLIN, 0};
    return ::poll(&one, 1, 20) != 0;
}

std::size_t run(std::uint64_t seed, int commands, int reports)
{
    misbehaviour const what(seed);
    auto steady = start({});
    script of_steady(what, steady, ahead_at_steady);
    server_options chosen;
    chosen.tls = false;
    std::optional<authorization_server> restarted(start(chosen));
    chosen.port = restarted->port();
    std::optional<script> of_restarted(std::in_place, what, *restarted, ahead_at_restarted);
    of_steady.extend();
    of_restarted->extend();
    send(
        reports, std::to_string(steady.port()) + " " + std::to_string(chosen.port) + " " +
                     steady.ca_pem() + '\0');
    auto restart_at = steady_clock::now() + life_of_the_restarted;
    while (!told_to_stop(commands))
    {
        of_steady.extend();
        of_restarted->extend();
        if (steady_clock::now() < restart_at)
            continue;
        of_restarted.reset();
        restarted.reset();
        restarted.emplace(start(chosen));
        of_restarted.emplace(what, *restarted, ahead_at_restarted);
        restart_at = steady_clock::now() + life_of_the_restarted;
    }
    of_steady.extend();
    return of_steady.used();
}

} // namespace

server::server(std::uint64_t seed)
{
    std::array<int, 2> down{};
    std::array<int, 2> up{};
    if (::pipe(down.data()) != 0 || ::pipe(up.data()) != 0)
        throw std::runtime_error("no pipe");
    process_ = ::fork();
    if (process_ == 0)
    {
        ::close(down[1]);
        ::close(up[0]);
        send(up[1], std::to_string(run(seed, down[0], up[1])) + '\0');
        ::_exit(0);
    }
    ::close(down[0]);
    ::close(up[1]);
    commands_ = down[1];
    reports_ = up[0];
    std::istringstream said(receive(reports_));
    said >> steady_port >> restarted_port >> std::ws;
    std::getline(said, ca_pem, '\0');
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
