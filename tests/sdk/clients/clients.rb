# frozen_string_literal: true

# Ruby's HTTP clients: ruby clients.rb NAME URL sends a GET and prints the status.
require 'net/http'
require 'openssl'
require 'socket'

NAME, url = ARGV
URL = URI(url)

# The first line of an answer over a socket that is connected already.
def status_over(socket)
  context = OpenSSL::SSL::SSLContext.new
  context.set_params
  tls = OpenSSL::SSL::SSLSocket.new(socket, context)
  tls.hostname = URL.host
  tls.connect
  tls.post_connection_check(URL.host)
  tls.write("GET #{URL.path} HTTP/1.1\r\nHost: #{URL.host}\r\nConnection: close\r\n\r\n")
  tls.gets.split[1]
end

CLIENTS = {
  'net-http' => -> { Net::HTTP.get_response(URL).code },
  'net-http-without-proxy' => lambda {
    http = Net::HTTP.new(URL.host, URL.port, nil)
    http.use_ssl = true
    http.get(URL.path).code
  },
  'socket-tcp' => -> { status_over(Socket.tcp(URL.host, URL.port)) },
  'faraday' => lambda {
    require 'faraday'
    Faraday.get(URL.to_s).status
  }
}.freeze

puts CLIENTS.fetch(NAME).call
