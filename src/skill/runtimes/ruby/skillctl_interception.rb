# frozen_string_literal: true

# Connects Ruby to a mock of Box: Box's hosts are reached at the mock, by clients that ignore http_proxy
# too. Written by skillctl; loaded by RUBYOPT. It does nothing when the mock has ended.
module SkillctlInterception
  BOX_HOST = /\A(?:[^\/@]+\.)?(?:box|boxcloud)\.com\.?\z/i.freeze
  LOOPBACK = /\A(?:|(?:[^\/@]+\.)?localhost\.?|127\.[\d.]+|0\.0\.0\.0|::|::1|::ffff:127\.[\d.]+)\z/i.freeze

  # The settings of the run, or nil when it is over: the mock removes its folder at the end.
  def self.settings
    folder = ENV['SKILLCTL_RUN_FOLDER'] or return
    lines = File.readlines(File.join(folder, 'interception.conf'), chomp: true)
    lines.map { |line| line.split('=', 2) }.to_h
  rescue SystemCallError
    nil
  end

  def self.install(run)
    require 'socket'
    @host = run['host']
    @port = run['port'].to_i
    @no_egress = run['egress'] == 'off'
    @all_hosts = run['hosts'] == 'all'
    TCPSocket.prepend(Connecting)
    Addrinfo.singleton_class.prepend(Lookup)
    Socket.singleton_class.prepend(Packing)
  end

  # Where a connection to `host` and `port` goes. Raises where it is refused.
  def self.destination(host, port)
    name = host.to_s
    return [@host, @port] if for_mock?(name)

    refuse(name, port) if @no_egress && !LOOPBACK.match?(name) && name != Socket.gethostname
    [host, port]
  end

  # Box's hosts; in a run with cassettes the mock answers for all hosts that have a name.
  def self.for_mock?(name)
    return true if BOX_HOST.match?(name)

    @all_hosts && !LOOPBACK.match?(name) && name != Socket.gethostname && !address?(name)
  end

  def self.address?(name)
    name.include?(':') || /\A[\d.]+\z/.match?(name)
  end

  # Asks the mock for the host, as a client of its proxy would, so that the refusal is in its log.
  def self.refuse(host, port)
    target = host.include?(':') ? "[#{host}]:#{port}" : "#{host}:#{port}"
    begin
      TCPSocket.open(@host, @port) do |socket|
        socket.write("CONNECT #{target} HTTP/1.1\r\nHost: #{target}\r\nConnection: close\r\n\r\n")
        socket.read(1)
      end
    rescue SystemCallError
      nil
    end
    raise Errno::ECONNREFUSED, "#{target}: refused by skillctl --no-egress"
  end

  # Net::HTTP, and most clients that are written in Ruby.
  module Connecting
    def initialize(host = nil, port = nil, *rest, **options, &block)
      host, port = SkillctlInterception.destination(host, port) if port
      super(host, port, *rest, **options, &block)
    end
  end

  # Socket.tcp, and clients that try the addresses of a name themselves.
  module Lookup
    def getaddrinfo(host, port = nil, *rest, **options, &block)
      host, port = SkillctlInterception.destination(host, port)
      super(host, port, *rest, **options, &block)
    end

    def tcp(host, port, **options)
      super(*SkillctlInterception.destination(host, port), **options)
    end
  end

  # Clients that make a socket and connect it.
  module Packing
    def pack_sockaddr_in(port, host)
      host, port = SkillctlInterception.destination(host, port)
      super(port, host)
    end

    def sockaddr_in(port, host)
      pack_sockaddr_in(port, host)
    end
  end
end

begin
  run = SkillctlInterception.settings
  SkillctlInterception.install(run) if run
rescue StandardError => e
  warn "skillctl: Ruby does not reach the mock: #{e.inspect}"
end
