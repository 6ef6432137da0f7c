// libcurl's multi interface, driven by epoll through curl_multi_socket_action.

#include "common.hpp"
#include "token_document.hpp"

#include <array>
#include <curl/curl.h>
#include <deque>
#include <optional>
#include <sys/epoll.h>
#include <unistd.h>

namespace
{

using bench::clock;

void check(CURLMcode code)
{
    if (code != CURLM_OK)
        throw std::runtime_error(curl_multi_strerror(code));
}

// One easy handle that is reused: it keeps its connection or session.
class transfer
{
public:
    transfer(bench::options const& opts, curl_slist* fields) : easy_(curl_easy_init())
    {
        curl_easy_setopt(easy_, CURLOPT_URL, opts.endpoint.c_str());
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, bench::form);
        curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, fields);
        curl_easy_setopt(easy_, CURLOPT_USERNAME, bench::client_id);
        curl_easy_setopt(easy_, CURLOPT_PASSWORD, bench::client_secret);
        curl_easy_setopt(easy_, CURLOPT_USERAGENT, "bench");
        curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
        curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
        curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &transfer::write);
        curl_easy_setopt(easy_, CURLOPT_CAINFO, opts.ca_file.c_str());
        // libcurl caches its parsed certificates only without the default CAPATH. The case of the
        // system's CAs keeps that default.
        if (!opts.system_trust)
            curl_easy_setopt(easy_, CURLOPT_CAPATH, nullptr);
        if (opts.mode != bench::connections::keep_alive)
        {
            curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
            curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
        }
        long const resume = opts.mode == bench::connections::opened ? 0L : 1L;
        curl_easy_setopt(easy_, CURLOPT_SSL_SESSIONID_CACHE, resume);
    }
    transfer(transfer const&) = delete;
    ~transfer() { curl_easy_cleanup(easy_); }

    // False: there is no further request.
    bool begin(CURLM* multi, bench::load& load)
    {
        if (!load.next())
            return false;
        began_ = clock::now();
        body_.clear();
        check(curl_multi_add_handle(multi, easy_));
        return true;
    }

    void finish(CURLcode code, bench::load& load)
    {
        long status = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        if (code != CURLE_OK)
            throw std::runtime_error(curl_easy_strerror(code));
        if (status != 200)
            throw std::runtime_error("the server refused");
        auto const token = bench::parse_token(body_);
        bench::check(token.access_token, token.token_type);
        load.done(began_);
    }

private:
    static std::size_t write(char* bytes, std::size_t, std::size_t count, void* self)
    {
        static_cast<transfer*>(self)->body_.append(bytes, count);
        return count;
    }

    CURL* easy_;
    std::string body_;
    clock::time_point began_;
};

class loop
{
public:
    loop() : multi_(curl_multi_init()), epoll_(epoll_create1(EPOLL_CLOEXEC))
    {
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &loop::watch);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &loop::set_timer);
    }
    loop(loop const&) = delete;
    ~loop()
    {
        curl_multi_cleanup(multi_);
        close(epoll_);
    }

    void run(std::deque<transfer>& transfers, bench::load& load)
    {
        for (auto& one : transfers)
            running_ += one.begin(multi_, load);
        std::array<epoll_event, 128> events;
        while (running_ != 0)
        {
            int const ready =
                epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms());
            for (int i = 0; i < ready; ++i)
                act(events[static_cast<std::size_t>(i)]);
            if (timer_ && *timer_ <= clock::now())
            {
                timer_.reset();
                check(curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &ignored_));
            }
            collect(load);
        }
    }

private:
    static int watch(CURL*, curl_socket_t socket, int what, void* data, void* known)
    {
        auto* const self = static_cast<loop*>(data);
        epoll_event event{};
        event.data.fd = socket;
        if (what == CURL_POLL_REMOVE)
        {
            epoll_ctl(self->epoll_, EPOLL_CTL_DEL, socket, nullptr);
            return 0;
        }
        if ((what & CURL_POLL_IN) != 0)
            event.events |= EPOLLIN;
        if ((what & CURL_POLL_OUT) != 0)
            event.events |= EPOLLOUT;
        epoll_ctl(self->epoll_, known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
        curl_multi_assign(self->multi_, socket, self);
        return 0;
    }

    static int set_timer(CURLM*, long ms, void* data)
    {
        auto& timer = static_cast<loop*>(data)->timer_;
        timer.reset();
        if (ms >= 0)
            timer = clock::now() + std::chrono::milliseconds(ms);
        return 0;
    }

    [[nodiscard]] int timeout_ms() const
    {
        if (!timer_)
            return -1;
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(*timer_ - clock::now());
        return std::max(0, static_cast<int>(left.count()));
    }

    void act(epoll_event const& event)
    {
        int what = 0;
        if ((event.events & EPOLLIN) != 0)
            what |= CURL_CSELECT_IN;
        if ((event.events & EPOLLOUT) != 0)
            what |= CURL_CSELECT_OUT;
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0)
            what |= CURL_CSELECT_ERR;
        check(curl_multi_socket_action(multi_, event.data.fd, what, &ignored_));
    }

    void collect(bench::load& load)
    {
        int left = 0;
        while (CURLMsg const* const message = curl_multi_info_read(multi_, &left))
        {
            CURL* const easy = message->easy_handle;
            CURLcode const code = message->data.result;
            transfer* done = nullptr;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &done);
            check(curl_multi_remove_handle(multi_, easy));
            done->finish(code, load);
            running_ -= !done->begin(multi_, load);
        }
    }

    CURLM* multi_;
    int epoll_;
    std::optional<clock::time_point> timer_;
    std::size_t running_ = 0;
    int ignored_ = 0;
};

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            auto const opts = bench::parse(argc, argv);
            curl_global_init(CURL_GLOBAL_DEFAULT);
            curl_slist* const fields = curl_slist_append(nullptr, "Accept: application/json");
            loop events;
            std::deque<transfer> transfers;
            for (std::size_t i = 0; i < opts.in_flight; ++i)
                transfers.emplace_back(opts, fields);
            bench::measure("curl", opts, [&](bench::load& load) { events.run(transfers, load); });
            transfers.clear();
            curl_slist_free_all(fields);
        });
}
