import { expect } from 'chai';
import { hostname } from 'node:os';
import path from 'node:path';
import { SHOP } from '../actors/index.ts';
import { callerPath } from './caller-path.ts';
import { ConfigError } from './config-error.ts';
import { loadConfig } from './config.ts';
import { isLoopbackHost } from './loopback.ts';
import { choiceSetting } from './setting.ts';

const LONG_SECRET = 'a-secret-of-at-least-thirty-two-bytes';

function messageFor(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env, SHOP.settings);
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('these settings should have been refused');
}

describe('loadConfig', () => {
  it('takes PUBLIC_URL as the start of addresses, and nothing that a path could not be put behind', () => {
    const publicUrlOf = (PUBLIC_URL: string) => loadConfig({ PUBLIC_URL }).publicUrl;
    expect(publicUrlOf('https://shop.example.com')).to.equal('https://shop.example.com');
    expect(publicUrlOf('http://10.0.0.1:8080/orders//')).to.equal('http://10.0.0.1:8080/orders');
    expect(loadConfig({}).publicUrl).to.equal(undefined);
    for (const bad of ['shop.example.com', 'ftp://a', 'https://u:p@a', 'https://a?b', 'https://a/#c', 'https://a/?'])
      expect(() => publicUrlOf(bad), bad).to.throw(/PUBLIC_URL.*https:\/\/shop\.example\.com/);
  });

  it('gives every setting its documented default', () => {
    const { workers, ...config } = loadConfig({}, SHOP.settings);
    expect(config).to.deep.equal({
      port: 3000,
      adminPort: 3001,
      host: '127.0.0.1',
      adminHost: '127.0.0.1',
      dataDir: path.resolve('.holdfast'),
      shards: 128,
      machineName: hostname(),
      auth: {},
      rateLimitPerMinute: 100,
      declared: { RESERVATION_TTL_SECONDS: 900, PAYMENT_PROVIDER: 'simulated' },
      logLevel: 'info',
      shutdownTimeoutMs: 30_000,
      drainDelayMs: 0,
      allowDevTokens: false,
      warnings: [],
    });
    expect(workers).to.be.within(1, 64);
  });

  it('reads every setting', () => {
    const config = loadConfig({
      PORT: '0',
      ADMIN_PORT: '0',
      HOST: '0.0.0.0',
      DATA_DIR: '/srv/data',
      WORKERS: '3',
      SHARDS: '16',
      DATABASE_URL: 'postgresql://u:p@db/holdfast',
      AMQP_URL: 'amqps://broker',
      REDIS_URL: 'redis://cache:6379/1',
      JWKS_URL: 'https://id.example/keys',
      JWT_ISSUER: 'https://id.example/',
      JWT_AUDIENCE: 'orders',
      RATE_LIMIT_PER_MINUTE: '0',
      RESERVATION_TTL_SECONDS: '60',
      LOG_LEVEL: 'debug',
      SHUTDOWN_TIMEOUT_MS: '5000',
      ALLOW_DEV_TOKENS: 'true',
    });
    expect(config).to.include({ port: 0, workers: 3, shards: 16, dataDir: '/srv/data', allowDevTokens: true });
    expect(config).to.include({ databaseUrl: 'postgresql://u:p@db/holdfast', amqpUrl: 'amqps://broker' });
    expect(config.auth).to.deep.equal({
      jwksUrl: 'https://id.example/keys',
      issuer: 'https://id.example/',
      audience: 'orders',
    });
  });

  it('takes an empty setting as left out', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ' }))
      .to.include({ port: 3000 })
      .and.not.have.property('databaseUrl');
  });

  const BAD: readonly (readonly [name: string, value: string])[] = [
    ['PORT', '65536'],
    ['PORT', '3e3'],
    ['PORT', '-1'],
    ['ADMIN_PORT', '0x10'],
    ['HOST', 'not a host'],
    ['WORKERS', '0'],
    ['WORKERS', '65'],
    ['SHARDS', '4097'],
    ['RATE_LIMIT_PER_MINUTE', '1.5'],
    ['RESERVATION_TTL_SECONDS', '0'],
    ['PAYMENT_PROVIDER', 'acme'],
    ['LOG_LEVEL', 'loud'],
    ['SHUTDOWN_TIMEOUT_MS', 'soon'],
    ['DRAIN_DELAY_MS', '300001'],
    ['MACHINE_NAME', 'two words'],
    ['ALLOW_DEV_TOKENS', 'yes'],
  ];
  for (const [name, value] of BAD) {
    it(`refuses ${name}=${value}, naming it, its value and the remedy`, () => {
      const message = messageFor({ [name]: value });
      expect(message).to.match(new RegExp(`${name} ${JSON.stringify(value)} is not .+; \\w+ ${name}`));
    });
  }

  it('reads the settings that others declare, and refuses a name that they do not know with the list', () => {
    const declared = [choiceSetting('CARRIER', ['pigeon', 'van'], 'van')];
    expect(loadConfig({}, declared).declared).to.deep.equal({ CARRIER: 'van' });
    expect(loadConfig({ CARRIER: ' ' }, declared).declared).to.deep.equal({ CARRIER: 'van' });
    expect(loadConfig({ CARRIER: ' pigeon ' }, declared).declared).to.deep.equal({ CARRIER: 'pigeon' });
    expect(() => loadConfig({ CARRIER: 'mule', PORT: 'x' }, declared))
      .to.throw(ConfigError)
      .with.property('message')
      .that.includes('CARRIER "mule" is not one of pigeon, van; set CARRIER to one of them, or leave it out for van')
      .and.includes('PORT "x"');
  });

  it('names every bad setting at once', () => {
    expect(messageFor({ PORT: 'x', SHARDS: 'y' }))
      .to.include('PORT "x"')
      .and.include('SHARDS "y"');
  });

  it('never repeats the value of a secret', () => {
    const secret = 'hunter2';
    for (const name of ['DATABASE_URL', 'AMQP_URL', 'REDIS_URL', 'JWKS_URL']) {
      expect(messageFor({ [name]: `ftp://user:${secret}@host` }))
        .to.include(name)
        .and.not.include(secret);
    }
    expect(messageFor({ JWT_SECRET: secret, HOST: '0.0.0.0' }))
      .to.include('JWT_SECRET')
      .and.not.include(secret);
  });

  it('refuses one port for two servers, but lets the system choose both', () => {
    expect(messageFor({ PORT: '3001' })).to.include('ADMIN_PORT is the same as PORT');
    expect(loadConfig({ PORT: '0', ADMIN_PORT: '0' })).to.include({ port: 0, adminPort: 0 });
  });

  it('refuses a secret together with a key set', () => {
    expect(messageFor({ JWT_SECRET: LONG_SECRET, JWKS_URL: 'https://id.example/keys' })).to.include('both set');
  });

  it('warns of a short secret on loopback and refuses it elsewhere', () => {
    expect(loadConfig({ JWT_SECRET: 'short' }).warnings).to.have.length(1);
    expect(loadConfig({ JWT_SECRET: LONG_SECRET, HOST: '0.0.0.0' }).warnings).to.deep.equal([]);
    for (const name of ['HOST', 'ADMIN_HOST']) {
      expect(messageFor({ JWT_SECRET: 'short', [name]: '0.0.0.0' }), name)
        .to.match(new RegExp(`fewer than 32 bytes and ${name} is not loopback.*openssl`))
        .and.not.include('leave it out'); // which would be refused next
    }
  });
});

describe('isLoopbackHost', () => {
  it('knows this machine', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost', 'LOCALHOST']) {
      expect(isLoopbackHost(host), host).to.equal(true);
    }
  });

  it('takes every other name for reachable', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example', 'holdfast']) {
      expect(isLoopbackHost(host), host).to.equal(false);
    }
  });
});

describe('callerPath', () => {
  const underNpm = { npm_package_json: '/app/package.json', INIT_CWD: '/app/data' };

  it('starts where the person stands who called npm', () => {
    expect(callerPath('orders.csv', underNpm, '/app')).to.equal('/app/data/orders.csv');
  });

  it('does not believe variables inherited from another npm', () => {
    expect(callerPath('orders.csv', underNpm, '/tmp')).to.equal('/tmp/orders.csv');
  });

  it('leaves an absolute path alone', () => {
    expect(callerPath('/data/orders.csv', underNpm, '/app')).to.equal('/data/orders.csv');
  });
});
